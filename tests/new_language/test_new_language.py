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

# Tests that go over all languages.
GENERAL = (
    "tests/shared/locales/test_registry.py",
    "tests/shared/test_profiles.py",
    "tests/gateway/test_assets.py",
    "tests/shared/locales/test_amounts.py",
    "tests/shared/locales/test_booleans.py",
    "tests/shared/locales/test_digits.py",
    "tests/agent/stt/test_protocol.py",
    "tests/sandbox/test_scenarios.py",
    "tests/sandbox/llm/test_dialogue.py",
    "tests/sandbox/llm/test_extract.py",
)


def test_a_language_is_one_file_and_one_translation(tmp_path: Path) -> None:
    """Who adds a language would have to find every table that lists them, and miss one."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=NOT_COPIED)
        else:
            shutil.copy(source, tmp_path / name)
    add_to(tmp_path)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("tests/new_language/checks.py", *GENERAL, "-k", f"checks.py or {CODE}"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    [passed] = re.findall(r"^(\d+) passed", done.stdout, re.MULTILINE)
    assert int(passed) >= 7 + len(GENERAL)  # those of checks.py, and some of each general one
