"""Which voice of espeak-ng speaks for one of ours."""

import zlib
from typing import Final

from services.sandbox.scenarios import languages, phrases
from shared.voices import DEFAULT_MODEL, VOICES

DEFAULT_WORDS_A_MINUTE: Final = 165
_VARIANTS: Final = {"female": ("f1", "f2", "f3", "f4"), "male": ("m1", "m2", "m3", "m7")}


def espeak_voice(language: str, voice: str) -> str:
    """For a language of ours and a voice of bulbul:v3, always the same one of the same gender.

    Raises ValueError, naming what is not known.
    """
    if language not in languages():
        raise ValueError(f"language {language!r}: expected one of {', '.join(languages())}")
    known = VOICES[DEFAULT_MODEL].get(voice)
    if known is None:
        raise ValueError(f"voice {voice!r}: {DEFAULT_MODEL} does not have it")
    variants = _VARIANTS[known.gender]
    return f"{phrases(language).voice}+{variants[zlib.crc32(voice.encode()) % len(variants)]}"


def words_a_minute(pace: float) -> int:
    """espeak-ng's rate for a pace, where 1.0 is normal; it takes 80 to 450."""
    return round(min(450, max(80, DEFAULT_WORDS_A_MINUTE * pace)))
