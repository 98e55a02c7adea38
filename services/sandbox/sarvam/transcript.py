"""What the stand-in answers for the phrases that it heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.sandbox.sarvam.spelling import is_automatic, ours
from services.sandbox.speech import Phrase
from shared.locales.registry import ENGLISH

SURE: Final = 0.98
UNSURE: Final = 0.3  # the language asked for is not the one that was spoken


@dataclass(frozen=True, slots=True)
class Transcript:
    """`language` is one of our codes; `text` empty when nothing was understood."""

    text: str
    language: str
    confidence: float


def transcript(phrases: Sequence[Phrase], asked: str) -> Transcript:
    """`asked` is the language of the request, as Sarvam spells it."""
    text = " ".join(phrase.text for phrase in phrases)
    spoken = phrases[0].language if phrases else None
    if is_automatic(asked):  # a sound without words counts as English
        return Transcript(text, spoken or ENGLISH, SURE if spoken else UNSURE)
    language = ours(asked)
    return Transcript(text, language, SURE if spoken in (None, language) else UNSURE)


def partial(heard: Sequence[tuple[Phrase, float]], asked: str) -> Transcript:
    """The words so far: of each phrase as many as the part of it that was heard."""
    spoken = []
    for phrase, part in heard:
        words = phrase.text.split()
        said = " ".join(words[: int(len(words) * part)])
        if said:
            spoken.append(Phrase(said, phrase.seconds, phrase.language))
    return transcript(spoken, asked)
