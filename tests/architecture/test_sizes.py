"""Files stay short enough to be read in one sitting."""

from tests.architecture.sources import ROOT

LONGEST = 300  # lines
FOLDERS = ("deploy", "services", "shared", "tests")
STAND_INS = "services/sandbox/"


def test_no_file_is_longer_than_300_lines() -> None:
    """A longer file has two subjects, and who looks for one of them reads the other."""
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in FOLDERS
        for suffix in ("py", "lua")
        for path in (ROOT / folder).rglob(f"*.{suffix}")
    }
    too_long = {
        path: count
        for path, count in lines.items()
        if count > LONGEST and not path.startswith(STAND_INS)
    }
    assert not too_long
