"""A rule that is switched off says why, in one style: `# noqa: CODE - reason`."""

import io
import re
import tokenize

import pytest

from tests.architecture.sources import ROOT, read_tree

FOLDERS = ("deploy", "services", "shared", "tests")
STYLE = re.compile(r"# (ruff: )?noqa: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* - \S.*")


def test_every_noqa_has_its_code_and_its_reason() -> None:
    """Without a reason nobody knows whether the rule may be switched on again."""
    found: dict[str, list[str]] = {}
    for source in read_tree(ROOT, *FOLDERS):
        wrong = [comment for comment in _comments(source.text) if is_wrong(comment)]
        if wrong:
            found[source.path] = wrong
    assert not found


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: E402",
        "# noqa: BLE001  whatever it is, it is logged",
        "# noqa: BLE001 # the reason",
        "# noqa: BLE001 -",
        "# noqa:BLE001 - the reason",
        "#noqa: BLE001 - the reason",
        "# NOQA: BLE001 - the reason",
        "# ruff: noqa",
        "# ruff: noqa: SLF001",
        "# flake8: noqa",
    ],
)
def test_other_styles_are_found(comment: str) -> None:
    """What ruff obeys must not pass unseen because it is spelled otherwise."""
    assert is_wrong(comment)


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: BLE001 - whatever it is, it is logged and tried again",
        "# noqa: S101, SLF001 - narrowed for the type checker",
        "# ruff: noqa: SLF001 - aiortc keeps its sessions private",
        "# a comment that has nothing to do with it",
    ],
)
def test_the_style_passes(comment: str) -> None:
    """The style that CONTRIBUTING.md asks for is the one that is taken."""
    assert not is_wrong(comment)


def is_wrong(comment: str) -> bool:
    return "noqa" in comment.lower() and not STYLE.fullmatch(comment.rstrip())


def _comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]
