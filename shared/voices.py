"""The voices of Sarvam's text-to-speech, and the names that the predecessor's clients still send.

The tables of the plugin are wrong for bulbul:v3, so we own ours (Sarvam's pages, October 2026).
"""

from dataclasses import dataclass
from typing import Literal

Gender = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker of a model; `id` is Sarvam's name for it."""

    id: str
    gender: Gender

    @property
    def name(self) -> str:
        return self.id.capitalize()


_FEMALE = """
ritu priya neha pooja simran kavya ishita shreya roopa tanya shruti suhani kavitha rupali
niharika
"""
_MALE = """
aditya rahul rohan amit dev ratan varun manan sumit kabir aayan shubh ashutosh advait
anand tarun sunny mani gokul vijay mohit rehan soham
"""

VOICES: dict[str, dict[str, Voice]] = {
    "bulbul:v3": {
        **{name: Voice(name, "female") for name in _FEMALE.split()},
        **{name: Voice(name, "male") for name in _MALE.split()},
    }
}

DEFAULT_MODEL = "bulbul:v3"
DEFAULT_VOICE = "shubh"  # Sarvam's own default for bulbul:v3

# Voices of bulbul:v2, which is no longer offered: each means a fixed v3 voice of the same gender.
ALIASES: dict[str, str] = {
    "anushka": "priya",
    "manisha": "ritu",
    "vidya": "kavya",
    "arya": "shreya",
    "abhilash": "rahul",
    "karun": "varun",
    "hitesh": "amit",
}


def voices_of(model: str) -> dict[str, Voice]:
    """The voices of a model by id; those of bulbul:v3 for a model that we have no table of."""
    return VOICES.get(model, VOICES[DEFAULT_MODEL])


def resolve(name: str | None, model: str, default: str | None = None) -> tuple[str, str | None]:
    """The voice to use and, when that is not what was asked for, a warning for the log.

    Order: the name, the default, Sarvam's default. The predecessor's names bring no warning.
    """
    voices = voices_of(model)
    wished = [wish for wish in (name, default) if wish]
    for wish in wished:
        voice = ALIASES.get(wish, wish)
        if voice in voices:
            refused = wished[0] if wish != wished[0] else None
            return voice, _warning(refused, model, voice)
    return DEFAULT_VOICE, _warning(wished[0] if wished else None, model, DEFAULT_VOICE)


def _warning(refused: str | None, model: str, used: str) -> str | None:
    return f"{model} has no voice {refused!r}: using {used!r}" if refused else None
