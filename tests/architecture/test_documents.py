"""What README, ARCHITECTURE and CONTRIBUTING say of files must be so: a newcomer believes it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
TOPS = ("services", "shared", "tests", "deploy", "docs", "bin")
_QUOTED = re.compile(r"`([\w.{}*/-]+)`|\]\(([\w./-]+)\)")


def _named(document: str) -> set[str]:
    found = (a or b for a, b in _QUOTED.findall((ROOT / document).read_text("utf-8")))
    return {each for each in found if each.split("/")[0] in TOPS and "/" in each}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    """A reader who is sent to a file that has moved stops believing the rest."""
    missing = [each for each in _named(document) if not _exists(each)]
    assert not missing


def _exists(named: str) -> bool:
    if "NAME" in named or "{" in named:
        return True
    return any(ROOT.glob(named)) if "*" in named else (ROOT / named.rstrip("/")).exists()
