"""Which voice of espeak-ng speaks for one of ours."""

import zlib
from typing import Final

from shared.voices import DEFAULT_MODEL, VOICES

LANGUAGES: Final = {
    "hi-IN": "hi",
    "en-IN": "en-us",  # the voices "en-gb" and "en-in" are not there
    "ta-IN": "ta",
    "te-IN": "te",
    "bn-IN": "bn",
    "mr-IN": "mr",
    "gu-IN": "gu",
    "kn-IN": "kn",
    "ml-IN": "ml",
    "pa-IN": "pa",
    "or-IN": "or",
}
"""espeak-ng's language by our code."""

DEFAULT_WORDS_A_MINUTE: Final = 165
_VARIANTS: Final = {"female": ("f1", "f2", "f3", "f4"), "male": ("m1", "m2", "m3", "m7")}


def espeak_voice(language: str, voice: str) -> str:
    """For a language of ours and a voice of bulbul:v3, always the same one of the same gender.

    Raises ValueError, naming what is not known.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r}: expected one of {', '.join(LANGUAGES)}")
    known = VOICES[DEFAULT_MODEL].get(voice)
    if known is None:
        raise ValueError(f"voice {voice!r}: {DEFAULT_MODEL} does not have it")
    variants = _VARIANTS[known.gender]
    return f"{LANGUAGES[language]}+{variants[zlib.crc32(voice.encode()) % len(variants)]}"


def words_a_minute(pace: float) -> int:
    """espeak-ng's rate for a pace, where 1.0 is normal; it takes 80 to 450."""
    return round(min(450, max(80, DEFAULT_WORDS_A_MINUTE * pace)))
