"""An agent profile: who the agent is, what it asks, in which languages.

The shape is the predecessor's, so what N8N answers today stays valid: every field is optional, and
unknown fields are ignored. Ours adds keys for questions, translations and typed lead fields.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from shared.frozen import FrozenModel
from shared.locales.model import UNKNOWN
from shared.locales.registry import DEFAULT_LANGUAGE, LANGUAGES, normalise

# Kinds of value a lead field can hold. `money` takes Indian amounts (lakh, crore) in rupees.
FieldType = Literal[
    "string", "number", "integer", "boolean", "date", "enum", "phone", "email", "money"
]

KEY_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"


def _language(code: str) -> str:
    known = normalise(code)
    if known is None:
        raise ValueError(f"{code[:40]!r} is not a language of /api/languages")
    return known


def _spoken_language(code: str) -> str:
    if (known := _language(code)) == UNKNOWN:
        raise ValueError(f"{code[:40]!r} is not a language that something can be said in")
    return known


# Whatever spelling is given (hi, hi_IN, od-IN), the code of /api/languages is kept.
_LanguageCode = Annotated[str, AfterValidator(_language)]
_SpokenLanguageCode = Annotated[str, AfterValidator(_spoken_language)]
_Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
_AgentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Prose = Annotated[str, StringConstraints(max_length=20_000)]

# Fields that stand at the top of a lead, whatever the profile asks.
CONTACT = ("name", "phone", "email")
# Without these two nobody can call back: every lead needs them.
REQUIRED_CONTACT = ("name", "phone")


class Question(FrozenModel):
    """One thing to find out. `key` names the lead's field, `question` is how it is asked."""

    key: _Key
    question: Line
    required: bool = True
    type: FieldType = "string"
    options: tuple[str, ...] = ()  # for enum


class LeadField(FrozenModel):
    """A typed field that is noted when the caller mentions it; `question` makes it one to ask."""

    key: _Key
    type: FieldType = "string"
    required: bool = False
    description: str = ""
    question: Line | None = None
    options: tuple[str, ...] = ()


class Translation(FrozenModel):
    """What the agent says in one language. Plain questions stand for the profile's, in order."""

    greeting: str | None = None
    qualification_questions: tuple[Line | Question, ...] = ()
    fallback_message: str | None = None


@dataclass(frozen=True, slots=True)
class Localised:
    """A profile as one call needs it. `greeting` None: the language model greets by itself."""

    greeting: str | None
    questions: tuple[Question, ...]
    fallback_message: str | None


class Profile(FrozenModel):
    id: _AgentId = "default"
    name: str = Field("Bolchaal", max_length=120)
    language: _LanguageCode | None = None
    voice: str | None = Field(None, max_length=64)
    system_prompt: Prose = ""
    greeting: str | None = Field(None, max_length=2_000)
    qualification_questions: tuple[Line | Question, ...] = Field((), max_length=40)
    transfer_keywords: tuple[str, ...] = ()
    fallback_message: str | None = Field(None, max_length=1_000)
    translations: dict[_SpokenLanguageCode, Translation] = Field(default_factory=dict)
    lead_fields: tuple[LeadField, ...] = Field((), max_length=40)

    @field_validator("language", mode="before")
    @classmethod
    def _empty_is_omitted(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("translations", mode="before")
    @classmethod
    def _exact_codes_last(cls, value: Any) -> Any:
        """Of two spellings of one language, the code itself counts: the last one does."""
        if not isinstance(value, dict):
            return value
        return dict(sorted(value.items(), key=lambda item: item[0] in LANGUAGES))

    def questions(self) -> tuple[Question, ...]:
        """The profile's questions in its own language; plain strings get the keys q1, q2, ..."""
        return tuple(
            question
            if isinstance(question, Question)
            else Question(key=f"q{number}", question=question)
            for number, question in enumerate(self.qualification_questions, start=1)
        ) + tuple(
            Question(
                key=field.key,
                question=field.question,
                required=field.required,
                type=field.type,
                options=field.options,
            )
            for field in self.lead_fields
            if field.question and field.key not in self._asked()
        )

    def spoken_language(self, default: str) -> str:
        """The language that the profile names; `default` when it names none, or `unknown`."""
        return default if self.language in (None, UNKNOWN) else self.language

    def localised(self, language: str, default: str = DEFAULT_LANGUAGE) -> Localised:
        """What is said in `language`: the translation's words where there are any.

        `unknown` means the profile's own language, and a profile that names none is in `default`.
        Without a translation the questions stay as they are (the language model translates them as
        it speaks) and there is no greeting, unless the profile is in that language itself.
        """
        own_language = self.spoken_language(default)
        wanted = own_language if language == UNKNOWN else language
        own = wanted == own_language
        translation = self.translations.get(wanted, Translation())
        return Localised(
            greeting=translation.greeting or (self.greeting if own else None),
            questions=_translated(self.questions(), translation.qualification_questions),
            fallback_message=translation.fallback_message
            or (self.fallback_message if own else None),
        )

    def required(self) -> tuple[str, ...]:
        """Keys that make a lead complete: a name, a phone number, every required field."""
        keys = [question.key for question in self.questions() if question.required]
        keys += [field.key for field in self.lead_fields if field.required]
        return tuple(dict.fromkeys((*REQUIRED_CONTACT, *keys)))

    def keys(self) -> tuple[str, ...]:
        """Every key that the lead knows; others go under `extra`."""
        asked = (question.key for question in self.questions())
        return tuple(dict.fromkeys((*CONTACT, *asked, *(field.key for field in self.lead_fields))))

    def _asked(self) -> set[str]:
        return {
            question.key
            for question in self.qualification_questions
            if isinstance(question, Question)
        }


def _translated(
    own: tuple[Question, ...], words: tuple[Line | Question, ...]
) -> tuple[Question, ...]:
    by_key = {word.key: word.question for word in words if isinstance(word, Question)}
    by_place = {place: word for place, word in enumerate(words) if isinstance(word, str)}
    return tuple(
        question.model_copy(
            update={
                "question": by_key.get(question.key) or by_place.get(place) or question.question
            }
        )
        for place, question in enumerate(own)
    )


_AGENT_ID_ADAPTER: TypeAdapter[str] = TypeAdapter(_AgentId)


def is_agent_id(text: str) -> bool:
    """Whether `text` can be an agent's id at all, and so is safe as a file's name or in a key."""
    try:
        _AGENT_ID_ADAPTER.validate_python(text)
    except ValidationError:
        return False
    return True


def version(profile: Profile) -> str:
    """A hash of the content, 12 hex digits: equal profiles have equal versions everywhere."""
    content = json.dumps(profile.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:12]
