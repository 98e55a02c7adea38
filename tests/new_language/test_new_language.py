"""A language is one file and one translation: shown by a made-up one, in a copy of the source."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.new_language.made_up import CODE, add_to

ROOT = Path(__file__).parents[2]
COPIED = ("services", "shared", "tests", "pyproject.toml", "Dockerfile", "package.json")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "vendor")

# How a test goes over all languages.
GENERAL = re.compile(r"parametrize\([^)]*(LOCALES|LANGUAGES|languages\(\))")


def _general(root: Path) -> list[str]:
    """The files with tests that go over all languages."""
    paths = (root / "tests").rglob("test_*.py")
    return sorted(str(path) for path in paths if GENERAL.search(path.read_text("utf-8")))


def test_a_language_is_one_file_and_one_translation(tmp_path: Path) -> None:
    """Who adds a language would have to find every table that lists them, and miss one."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=NOT_COPIED)
        else:
            shutil.copy(source, tmp_path / name)
    add_to(tmp_path)
    general = _general(tmp_path)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("tests/new_language/checks.py", *general, "-k", f"checks.py or {CODE}"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    [passed] = re.findall(r"^(\d+) passed", done.stdout, re.MULTILINE)
    assert int(passed) >= 7 + len(general)  # those of checks.py, and some of each other file
