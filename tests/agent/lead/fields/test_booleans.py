"""Yes and no, in every language."""

import pytest

from services.agent.lead.fields.booleans import boolean
from shared.locales.registry import LOCALES


@pytest.mark.parametrize(
    ("said", "value"),
    [("yes", True), ("जी हाँ", True), ("ஆமாம்", True), ("no, thanks", False), ("না", False)],
)
def test_yes_and_no(said: str, value: bool) -> None:
    assert boolean(said) is value


@pytest.mark.parametrize("said", ["yes and no", "perhaps"])
def test_neither_yes_nor_no(said: str) -> None:
    assert boolean(said) is None


@pytest.mark.parametrize("code", LOCALES)
def test_every_yes_and_no_of_a_language_is_understood(code: str) -> None:
    """The agent would ask a caller again who has answered."""
    assert [boolean(word) for word in LOCALES[code].yes] == [True] * len(LOCALES[code].yes)
    assert [boolean(word) for word in LOCALES[code].no] == [False] * len(LOCALES[code].no)
