"""Words that only say that one is listening."""

import pytest

from services.agent.conversation.backchannel import is_backchannel


@pytest.mark.parametrize(
    "text",
    [
        "haan",
        "Haan, ji.",
        "हाँ",
        "जी हाँ।",
        "ठीक है",
        "ఆ",
        "అవును.",
        "ஆமா ஆமா",
        "ok, ok",
        "ಹೌದು",
        "হ্যাঁ",
        "ਹਾਂ ਜੀ",
    ],
)
def test_listening(text: str) -> None:
    """A caller who says "haan" while the agent speaks would cut it off in every sentence."""
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text", ["", "नहीं", "haan lekin", "wait", "हाँ हाँ हाँ हाँ", "ठीक है पर कितना", "रुको", "?!"]
)
def test_saying_something(text: str) -> None:
    """A real interruption that is dropped makes the agent talk over its caller."""
    assert not is_backchannel(text)
