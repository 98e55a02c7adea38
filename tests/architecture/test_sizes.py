"""Files stay short enough to be read in one sitting."""

from tests.architecture.shrinking import assert_only_known
from tests.architecture.sources import ROOT

LONGEST = 300  # lines
FOLDERS = ("deploy", "services", "shared", "tests")
STAND_INS = "services/sandbox/"

TOO_LONG = {
    "tests/bus/test_crashes.py": "to be split by subject",
    "tests/shared/test_background.py": "to be split by subject",
}
"""Files over the limit that are to be divided; those that were leave the list."""


def test_no_file_is_longer_than_300_lines() -> None:
    """A longer file has two subjects, and who looks for one of them reads the other."""
    assert_only_known(_too_long(), TOO_LONG)


def _too_long() -> dict[str, int]:
    """Lines by path of the Python and Lua files that are over the limit."""
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in FOLDERS
        for suffix in ("py", "lua")
        for path in (ROOT / folder).rglob(f"*.{suffix}")
    }
    return {
        path: count
        for path, count in lines.items()
        if count > LONGEST and not path.startswith(STAND_INS)
    }
