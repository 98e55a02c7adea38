"""Third-party files of the page: copied from npm's folder to where the gateway serves them.

    python -m services.gateway.page.assets [NODE_MODULES]

npm has fetched them by package-lock.json beforehand. Only what the page loads is copied (2 MB of
57), so an image needs neither npm nor node_modules. The families are those of shared/locales. The
standard library only, so that any Python can run it: the image's stage of this step has no more.
"""

import json
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LOCALES = Path(__file__).parents[3] / "shared" / "locales"
STATIC = Path(__file__).parents[1] / "static"
VENDOR = STATIC / "vendor"
WEIGHTS = (400, 600)


class FontFamily(NamedTuple):
    """A family of the page: its npm package, the subsets that we take, and its readers (`lang`)."""

    family: str
    package: str
    subsets: tuple[str, ...]
    languages: tuple[str, ...] = ()


def families() -> tuple[FontFamily, ...]:
    """The families of all languages, that of Latin letters first. Raises OSError, ValueError.

    A family a script, so that letters, joiners and full stops of a text come from one file. The
    browser loads a file only when the page shows a letter of its range.
    """
    tables = [tomllib.loads(path.read_text("utf-8")) for path in LOCALES.glob("*.toml")]
    # Latin letters occur in every text: their family needs no readers of its own.
    tables.sort(key=lambda table: ("block" in table, table["order"]))
    fonts: dict[str, FontFamily] = {}
    for table in tables:
        entry = table["font"]
        font = fonts.get(
            entry["family"], FontFamily(entry["family"], entry["package"], tuple(entry["subsets"]))
        )
        if "block" in table:
            lang = table["code"].partition("-")[0]
            font = font._replace(languages=(*font.languages, lang))
        fonts[font.family] = font
    return tuple(fonts.values())


def _ranges(package: Path, subset: str) -> str:
    ranges: str = json.loads((package / "unicode.json").read_text("utf-8"))[subset]
    return ranges


def _face(family: str, file: str, weight: int, ranges: str) -> str:
    return (
        f'@font-face{{font-family:"{family}";font-style:normal;font-display:swap;'
        f'font-weight:{weight};src:url("fonts/{file}") format("woff2");unicode-range:{ranges}}}\n'
    )


def _stacks(fonts: Sequence[FontFamily]) -> str:
    """`--noto`: all families, the reader's own script first."""
    css = f":root{{--noto:{_stack(fonts)}}}\n"
    for font in fonts:
        if font.languages:
            rest = [other for other in fonts if other is not font]
            readers = ",".join(f":lang({language})" for language in font.languages)
            css += f"{readers}{{--noto:{_stack([font, *rest])}}}\n"
    return css


def _stack(fonts: Sequence[FontFamily]) -> str:
    return ",".join(f'"{font.family}"' for font in fonts)


def copy(node_modules: Path, vendor: Path = VENDOR) -> int:
    """Copies scripts and fonts and writes fonts.css; returns how many files. Raises OSError."""
    shutil.rmtree(vendor, ignore_errors=True)
    folder = vendor / "fonts"
    folder.mkdir(parents=True)
    livekit = node_modules / "livekit-client"
    shutil.copyfile(livekit / "dist" / "livekit-client.esm.mjs", vendor / "livekit-client.mjs")
    shutil.copyfile(livekit / "LICENSE", vendor / "livekit-client.LICENSE")
    count, css = 2, ""
    fonts = families()
    for font in fonts:
        package = node_modules / "@fontsource" / font.package
        for subset in font.subsets:
            for weight in WEIGHTS:
                file = f"{font.package}-{subset}-{weight}-normal.woff2"
                shutil.copyfile(package / "files" / file, folder / file)
                css += _face(font.family, file, weight, _ranges(package, subset))
                count += 1
    shutil.copyfile(node_modules / "@fontsource" / "noto-sans" / "LICENSE", folder / "LICENSE")
    (vendor / "fonts.css").write_text(css + _stacks(fonts), "utf-8")
    return count + 2


def missing() -> bool:
    """Whether the page would come up without its client library."""
    return not ((VENDOR / "livekit-client.mjs").is_file() and (VENDOR / "fonts.css").is_file())


def main(arguments: list[str]) -> int:
    node_modules = Path(arguments[0]) if arguments else Path("node_modules")
    try:
        count = copy(node_modules)
    except OSError as error:
        sys.stderr.write(f"page assets: {error}: run npm ci --ignore-scripts first\n")
        return 1
    sys.stdout.write(f"page assets: {count} files in {VENDOR}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
