"""Words that only say "I am listening". While the agent speaks they are no turn."""

import re
import unicodedata

from shared.locales.registry import LOCALES

# Of all languages: callers say "ok" and "haan" in any of them.
_WORDS = frozenset(word for locale in LOCALES.values() for word in locale.backchannels)
_MOST = 3  # words; "yes yes yes, but listen" is more than listening
_INSIDE = re.compile(r"[-,।.!?]+")  # between repeated words: "haan-haan", "ok,ok"


def is_backchannel(text: str) -> bool:
    """Whether the text is one to three such words and nothing else."""
    words = [_bare(word) for word in unicodedata.normalize("NFC", text).casefold().split()]
    words = [word for word in words if word]
    return 0 < len(words) <= _MOST and all(_listening(word) for word in words)


def _listening(word: str) -> bool:
    parts = [part for part in _INSIDE.split(word) if part]
    return bool(parts) and all(part in _WORDS for part in parts)


def _bare(word: str) -> str:
    """The word without what is around it. Vowel signs (M) belong to it, which no \\w says."""
    inside = [
        place for place, letter in enumerate(word) if unicodedata.category(letter)[0] in "LMN"
    ]
    return word[inside[0] : inside[-1] + 1] if inside else ""
