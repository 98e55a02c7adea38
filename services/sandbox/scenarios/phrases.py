"""What people say in each language around the thing that matters.

One TOML file a language in phrases/: the scripted agent's own sentences, how a caller wraps a value
("my name is {}"), the digits as words, and answers for questions that nobody foresaw.
"""

import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.scenarios.text import contains, words
from shared.locales.registry import UNKNOWN, by_script

FOLDER = Path(__file__).parent / "phrases"

# Keys whose question every language has words of its own for: those of the built-in profile.
KNOWN_KEYS = ("name", "phone", "budget", "location", "property_type", "timeline", "visit_time")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentWords(_Part):
    """Sentences of the scripted agent. `greet` has a place for the agent's name."""

    greet: str
    resumed: str
    noted: tuple[str, ...]
    again: str
    skip: str
    later: str
    human: str
    thanks: str


class About(_Part):
    """Words by which a question for the caller's name or phone number is known."""

    name: tuple[str, ...]
    phone: tuple[str, ...]


class CallerWords(_Part):
    """What callers say that is no answer, or only a part of one.

    `bye` is how our own caller takes leave, `goodbye` how any caller may.
    """

    hello: tuple[str, ...]
    fillers: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    bye: str
    goodbye: tuple[str, ...]
    unsure: tuple[str, ...]
    connectors: tuple[str, ...]


class Invented(_Part):
    """Answers for profiles without a scenario."""

    names: tuple[str, ...]
    answers: tuple[str, ...]


class Phrases(_Part):
    """One language. {} in a carrier is where the value stands.

    `named` carriers name their field, so they count whatever was asked; those in `carriers` count
    only for the field that was asked (`any`: for every field).
    """

    language: str
    agent: AgentWords
    ask: dict[str, str]
    about: About
    caller: CallerWords
    named: dict[str, tuple[str, ...]]
    carriers: dict[str, tuple[str, ...]]
    digits: dict[str, tuple[str, ...]]
    invent: Invented
    # Words that only this language has, where another one shares its script.
    telltale: tuple[str, ...] = Field(default=())


@cache
def phrases(language: str) -> Phrases:
    """The phrases of one of the eleven languages. Raises KeyError for any other."""
    path = FOLDER / f"{language}.toml"
    if not path.is_file():
        raise KeyError(language)
    # One Unicode form, so that what is said, heard and expected compare equal.
    text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
    return Phrases.model_validate(tomllib.loads(text))


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages that have phrases."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def spoken_language(text: str) -> str | None:
    """The language that `text` is in, by its script and, where two share one, by its words."""
    language = by_script(text)
    if language == "hi-IN" and set(words(text)) & set(phrases("mr-IN").telltale):
        return "mr-IN"
    return language if language != UNKNOWN else None


def contact_asked(question: str, spoken: Sequence[Phrases]) -> str | None:
    """`phone` or `name` when the question asks for the caller's, in one of the languages."""
    for key in ("phone", "name"):
        for each in spoken:
            if any(contains(question, phrase) for phrase in getattr(each.about, key)):
                return key
    return None
