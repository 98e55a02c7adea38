"""The first words of a reply as a segment of their own, so that they are spoken at once.

Synthesis of a segment begins when it is complete. Waiting for the first sentence costs the time
the language model takes to write it; the first few words are there 50 ms after its first token, and
the rest is synthesised while they play.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from livekit.agents import llm
from livekit.agents.types import FlushSentinel

SHORTEST = 2  # words of a first sentence; it has to play for longer than a synthesis takes to start

# A full stop after a digit may be a decimal point, after one or two letters an abbreviation.
_SENTENCE = re.compile(r"([?!।]|[^\s\d]{3,}\.)$")

Piece = llm.ChatChunk | str | FlushSentinel


async def first_segment(
    pieces: AsyncGenerator[llm.ChatChunk | str], words: int
) -> AsyncGenerator[Piece]:
    """Passes the pieces on, with one FlushSentinel after at least `words` words.

    The cut falls between two words: after a space at once, else before the piece that begins with
    a space. A first sentence that is shorter ("Thank you.") is a segment by itself: what follows
    may be a tool call, and it would wait for that. Blank pieces after the cut wait for words: a
    segment of blanks would be a request to synthesise nothing. `words` 0 passes all on unchanged.
    """
    said = ""
    cut = words <= 0
    blanks: list[llm.ChatChunk | str] = []
    async with aclosing(pieces):
        async for piece in pieces:
            text = _text(piece)
            if not cut and text[:1].isspace() and _complete(said, words):
                cut = True
                yield FlushSentinel()
            said += text
            if cut and words > 0 and text.isspace():
                blanks.append(piece)
                continue
            if text:
                for blank in blanks:
                    yield blank
                blanks.clear()
            yield piece
            if not cut and text and _may_end(said, words):
                cut = True
                yield FlushSentinel()


def _text(piece: llm.ChatChunk | str) -> str:
    if isinstance(piece, str):
        return piece
    return (piece.delta.content or "") if piece.delta else ""


def _complete(said: str, words: int) -> bool:
    return len(said.split()) >= words


def _may_end(said: str, words: int) -> bool:
    if said[-1].isspace():
        return _complete(said, words)
    return _SENTENCE.search(said) is not None and len(said.split()) >= SHORTEST
