"""The first clause of a reply as a segment of its own."""

from collections.abc import AsyncGenerator

import pytest
from livekit.agents import llm
from livekit.agents.types import FlushSentinel

from services.agent.conversation.first_segment import first_segment


async def shape(pieces: list[str], words: int = 4) -> str:
    """The pieces with `|` where a segment ends."""

    async def source() -> AsyncGenerator[str]:
        for piece in pieces:
            yield piece

    out = ""
    async for piece in first_segment(source(), words):
        out += "|" if isinstance(piece, FlushSentinel) else str(piece)
    return out


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["Yes,", " that", " flat", " is", " free", "."], "Yes, that flat is| free."),
        (["Yes, ", "that ", "flat ", "is ", "free."], "Yes, that flat is |free."),
        (["जी, ", "धन्यवाद।", " आपका", " नाम?"], "जी, धन्यवाद।| आपका नाम?"),
        (["Thank", " you", "."], "Thank you.|"),
        (["It is ", "3", ".", "5", " lakh", " now"], "It is 3.5 lakh| now"),
        (["Dear Mr", ".", " Rao,", " welcome", " home"], "Dear Mr. Rao, welcome| home"),
        (["one ", "two ", "three ", "four ", " ", " "], "one two three four |"),
        (["one ", "two ", "three ", "four ", " ", "five"], "one two three four | five"),
        (["short"], "short"),
        ([], ""),
    ],
)
async def test_the_cut_falls_between_words(pieces: list[str], expected: str) -> None:
    """A word cut in two would be mispronounced; a cut that comes late costs the caller's time."""
    assert await shape(pieces) == expected


async def test_zero_words_switch_it_off() -> None:
    """An operator who dislikes the prosody can have whole replies."""
    assert await shape(["a ", "b ", "c ", "d ", "e "], words=0) == "a b c d e "


async def test_what_is_not_text_passes_through() -> None:
    """A tool call that is swallowed is a lead that is lost."""
    call = llm.ChatChunk(
        id="1",
        delta=llm.ChoiceDelta(
            tool_calls=[llm.FunctionToolCall(name="save_lead", arguments="{}", call_id="c")]
        ),
    )

    async def source() -> AsyncGenerator[llm.ChatChunk | str]:
        yield "one two three four "
        yield call

    assert call in [piece async for piece in first_segment(source(), 4)]
