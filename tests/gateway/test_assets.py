"""The page's fonts: a family for every language, from nothing but what the image's stage has."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.gateway.page.assets import WEIGHTS, families
from shared.locales.registry import LOCALES

ROOT = Path(__file__).parents[2]


def _stage(folder: Path) -> None:
    """What the Dockerfile's stage `assets` copies from the repository."""
    stage = (ROOT / "Dockerfile").read_text("utf-8").partition("AS assets\n")[2]
    copies = re.findall(r"^COPY (?!--from)(.+)$", stage.partition("\nFROM")[0], re.MULTILINE)
    assert copies
    for *sources, target in map(str.split, copies):
        (folder / target).mkdir(parents=True, exist_ok=True)
        for source in sources:
            for path in ROOT.glob(source):
                shutil.copy(path, folder / target)


def _packages(folder: Path) -> None:
    """npm's folder, as far as the step reads it."""
    livekit = folder / "livekit-client"
    (livekit / "dist").mkdir(parents=True)
    (livekit / "dist" / "livekit-client.esm.mjs").touch()
    (livekit / "LICENSE").touch()
    for font in families():
        package = folder / "@fontsource" / font.package
        (package / "files").mkdir(parents=True)
        (package / "LICENSE").touch()
        (package / "unicode.json").write_text(json.dumps(dict.fromkeys(font.subsets, "U+0900")))
        for subset in font.subsets:
            for weight in WEIGHTS:
                (package / "files" / f"{font.package}-{subset}-{weight}-normal.woff2").touch()


def test_the_image_makes_the_fonts_without_a_package(tmp_path: Path) -> None:
    """`docker build` would fail, or the page show boxes for letters."""
    _stage(tmp_path)
    _packages(tmp_path / "node_modules")
    command = [sys.executable, "-S", "-m", "services.gateway.page.assets", "node_modules"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    css = (tmp_path / "services/gateway/static/vendor/fonts.css").read_text("utf-8")
    for each in LOCALES.values():
        assert f'font-family:"{each.font.family}"' in css
    assert css.count(":lang(") == sum(each.block is not None for each in LOCALES.values())


def test_latin_comes_first_and_languages_of_one_script_share_a_family() -> None:
    """Digits and names in Latin letters would look different from text to text."""
    fonts = families()
    assert (fonts[0].family, fonts[0].languages) == ("Noto Sans", ())
    assert [font.languages for font in fonts if "hi" in font.languages] == [("hi", "mr")]


@pytest.mark.parametrize("code", LOCALES)
def test_npm_fetches_every_font(code: str) -> None:
    """The set-up would end at a file that is not there."""
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    assert f"@fontsource/{LOCALES[code].font.package}" in wanted
