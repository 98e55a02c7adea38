"""Words as they are compared: one Unicode form, no case, no punctuation.

Indian scripts write vowels as combining marks, which `\\w` and `\\b` of regular expressions do not
take for parts of a word, so everything here splits at white space.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# What may surround a word without belonging to it. The danda and double danda end sentences.
PUNCTUATION = " \t\r\n.,;:!?\"'()[]{}«»“”‘’…।॥-–—"
# What ends a clause when it stands at the end of a word.
CLAUSE_ENDS = ".,;:!?।॥"


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def bare(word: str) -> str:
    """The word as it is compared."""
    return nfc(word).strip(PUNCTUATION).casefold()


def words(text: str) -> list[str]:
    """All words of the text as they are compared; those that are mere punctuation are left out."""
    return list(_words(text))


@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[str, ...]:
    """The same phrases are looked for in every request."""
    return tuple(word for word in map(bare, text.split()) if word)


def find(needle: Sequence[str], hay: Sequence[str], start: int = 0) -> int:
    """Where the words `needle` stand in `hay` one after the other; -1 when they do not."""
    if not needle:
        return -1
    wanted, first = list(needle), needle[0]
    for place in range(start, len(hay) - len(needle) + 1):
        if hay[place] == first and list(hay[place : place + len(wanted)]) == wanted:
            return place
    return -1


def contains(text: str, phrase: str) -> bool:
    """Whether the words of `phrase` stand in `text` one after the other."""
    return find(words(phrase), words(text)) >= 0
