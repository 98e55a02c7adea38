"""What people say in each language around the thing that matters.

From the table [sandbox] of the language's file in shared/locales: the scripted agent's own
sentences, how a caller wraps a value ("my name is {}"), whole scenarios, and answers for questions
that nobody foresaw.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.scenarios.text import contains, words
from shared.locales.model import UNKNOWN
from shared.locales.registry import LOCALES, by_script, sandbox_tables, validated

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


class Answer(_Part):
    """`say` in the language's own script; `value` exactly as it stands in the lead."""

    say: str
    value: str


class Phrases(_Part):
    """One language. {} in a carrier is where the value stands.

    `named` carriers name their field, so they count whatever was asked; those in `carriers` count
    only for the field that was asked (`any`: for every field).
    """

    language: str
    digits: Mapping[str, tuple[str, ...]]
    voice: str  # the language in espeak-ng's terms
    full_stop: str
    agent: AgentWords
    ask: dict[str, str]
    about: About
    caller: CallerWords
    named: dict[str, tuple[str, ...]]
    carriers: dict[str, tuple[str, ...]]
    invent: Invented
    scenarios: dict[str, dict[str, Answer]] = Field(default_factory=dict)
    # Words that only this language has, where another one shares its script.
    telltale: tuple[str, ...] = Field(default=())


def phrases(language: str) -> Phrases:
    """The phrases of a language. Raises KeyError for one that has none."""
    return _all()[language]


def languages() -> tuple[str, ...]:
    """Codes of the languages that have phrases."""
    return tuple(_all())


@cache
def _all() -> dict[str, Phrases]:
    found = {}
    for code, (path, table) in sandbox_tables().items():
        content = {**table, "language": code, "digits": LOCALES[code].digits}
        found[code] = validated(Phrases, content, path, table="sandbox")
    return found


def spoken_language(text: str) -> str | None:
    """The language that `text` is in, by its script and, where two share one, by its words."""
    language = by_script(text)
    if language in (None, UNKNOWN):
        return None
    block = LOCALES[language].block
    for other in languages():
        if LOCALES[other].block == block and set(words(text)) & set(phrases(other).telltale):
            return other
    return language


def contact_asked(question: str, spoken: Sequence[Phrases]) -> str | None:
    """`phone` or `name` when the question asks for the caller's, in one of the languages."""
    for key in ("phone", "name"):
        for each in spoken:
            if any(contains(question, phrase) for phrase in getattr(each.about, key)):
                return key
    return None
