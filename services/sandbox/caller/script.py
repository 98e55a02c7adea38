"""What a simulated caller has to say: an answer to each question of a profile.

From a scenario, or made up for a profile that nobody wrote a scenario for: short answers in the
call's language, different from each other and typed as the question wants, a name, and a number.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.sandbox.scenarios import Phrases, Scenario, phrases
from services.sandbox.scenarios.phrases import contact_asked
from services.sandbox.scenarios.text import nfc
from shared.locales.registry import ENGLISH

CONTACT = ("name", "phone")
# The series is in use in India, so numbers made from it pass for real; nobody is ever called.
PHONE_SERIES = "98765"


class Asked(BaseModel):
    """A question of the profile, as the gateway gives it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    question: str = ""
    type: str = "string"
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One thing to say. `value` is what must stand in the lead; `questions` are ways to ask it."""

    key: str
    say: str
    value: str
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """The caller's lines in the order of the profile's questions."""

    language: str
    lines: tuple[ScriptLine, ...]

    @property
    def words(self) -> Phrases:
        return phrases(self.language)

    def expected(self) -> dict[str, str]:
        """The lead that N8N must get, flat: name, phone, then each field."""
        values = {line.key: line.value for line in self.lines}
        first = {key: values.pop(key) for key in CONTACT if key in values}
        return first | values


def from_scenario(scenario: Scenario, asked: Sequence[Asked]) -> Script:
    """The scenario's answers; `asked` gives the words in which the profile asks for them."""
    own = phrases(scenario.language).ask
    by_key = {each.key: each.question for each in asked}
    lines = tuple(
        ScriptLine(key, answer.say, answer.value, _known(by_key.get(key), own.get(key)))
        for key, answer in scenario.answers.items()
    )
    return Script(scenario.language, lines)


def invented(asked: Sequence[Asked], language: str, *, seed: str) -> Script:
    """Answers for any profile. The same seed (a call's id) makes the same answers."""
    words = phrases(language)
    rng = random.Random(seed)
    name = rng.choice(words.invent.names)
    digits = PHONE_SERIES + "".join(rng.choice("0123456789") for _ in range(5))
    contact = {
        "name": (_sentence(words.named["name"][0].format(name), words), name),
        "phone": (
            _sentence(words.carriers["phone"][0].format(_spelled(digits, words)), words),
            digits,
        ),
    }
    maker = _Maker(words, rng)
    spoken = [words, phrases(ENGLISH)]
    lines = []
    for each in asked:
        subject = each.key if each.key in CONTACT else contact_asked(each.question, spoken)
        say, value = contact[subject] if subject in contact else maker.answer(each)
        if each.key == "phone" or (subject == "phone" and each.type == "phone"):
            value = f"+91{digits}"
        own = _known(each.question, words.ask.get(each.key))
        lines.append(ScriptLine(each.key, nfc(say), nfc(value), own))
    known = {line.key for line in lines}
    for key in CONTACT:
        if key not in known:
            say, value = contact[key]
            value = f"+91{value}" if key == "phone" else value
            lines.append(ScriptLine(key, nfc(say), nfc(value), (words.ask[key],)))
    return Script(language, tuple(lines))


class _Maker:
    """Makes answers that differ from each other."""

    def __init__(self, words: Phrases, rng: random.Random) -> None:
        self._words = words
        self._answers = list(words.invent.answers)
        rng.shuffle(self._answers)
        self._digits = [str(digit) for digit in range(2, 10)]
        rng.shuffle(self._digits)
        self._made = 0

    def answer(self, asked: Asked) -> tuple[str, str]:
        """What is said, and what must stand in the lead."""
        self._made += 1
        count = self._made
        match asked.type:
            case "number" | "integer":
                digit = self._digits[count % len(self._digits)]
                return self._words.digits[digit][0], digit
            case "boolean":
                return self._words.caller.yes[0], "yes"
            case "enum" if asked.options:
                option = asked.options[count % len(asked.options)]
                return option, option
            case "email":
                address = f"caller{count}@example.com"
                return address, address
            case "date":
                day = f"2027-01-{count % 28 + 1:02}"
                return day, day
            case "money":
                amount = f"{count}500000"
                return amount, amount
            case "phone":
                digits = f"{PHONE_SERIES}{count:05}"
                return digits, f"+91{digits}"
            case _:
                return self._phrase(count)

    def _phrase(self, count: int) -> tuple[str, str]:
        phrase = self._answers[(count - 1) % len(self._answers)]
        if count > len(self._answers):
            phrase = f"{phrase} {count}"
        return phrase, phrase


def _sentence(text: str, words: Phrases) -> str:
    """With a capital letter, where there are any, and the full stop of the language."""
    return f"{text[0].upper()}{text[1:]}{words.full_stop}"


def _spelled(digits: str, words: Phrases) -> str:
    """A number as it is spoken, digit by digit."""
    return " ".join(words.digits[digit][0] for digit in digits)


def _known(*questions: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(nfc(question) for question in questions if question))


def read_questions(data: Any) -> tuple[Asked, ...]:
    """Questions as GET /api/calls/ID gives them: a list of objects. Raises ValueError."""
    if not isinstance(data, list):
        raise ValueError("questions must be a list")
    return tuple(Asked.model_validate(each) for each in data)
