"""The first words of a reply as a segment of their own, so that they are spoken at once.

Synthesis of a segment begins when it is complete. Waiting for the first sentence costs the time
the language model takes to write it; the first few words are there 50 ms after its first token, and
the rest is synthesised while they play.
"""

from collections.abc import AsyncIterator

from livekit.agents import llm
from livekit.agents.types import FlushSentinel

Piece = llm.ChatChunk | str | FlushSentinel


async def first_clause(
    pieces: AsyncIterator[llm.ChatChunk | str], words: int
) -> AsyncIterator[Piece]:
    """Passes the pieces on, with one FlushSentinel after at least `words` words.

    The cut falls between two words: after a space or the end of a sentence at once, else before
    the piece that begins with a space. Blank pieces after the cut wait for words: a segment of
    nothing but blanks would be a request to synthesise nothing. `words` 0 passes all on unchanged.
    """
    said = ""
    cut = words <= 0
    blanks: list[llm.ChatChunk | str] = []
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
        if not cut and text and _ends_word(said) and _complete(said, words):
            cut = True
            yield FlushSentinel()


def _text(piece: llm.ChatChunk | str) -> str:
    if isinstance(piece, str):
        return piece
    return (piece.delta.content or "") if piece.delta else ""


def _complete(said: str, words: int) -> bool:
    return len(said.split()) >= words


def _ends_word(said: str) -> bool:
    # A full stop or a comma may stand inside a number, and its other half is still to come.
    return said[-1].isspace() or said[-1] in "?!।"
