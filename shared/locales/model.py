"""What a file of this folder holds: everything that Bolchaal knows of one language.

`Language` is what a call may be in, `unknown` included; `Locale` is a language with its file.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

UNKNOWN: Final = "unknown"

# Keys of [digits]: what their words stand for.
DIGITS: Final = tuple("0123456789")
DIGIT_KEYS: Final = (*DIGITS, "double", "triple", "plus")

Words = tuple[str, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Units(_Part):
    """Words for the units in which India counts, all their spellings and cases."""

    crore: Words
    """10,000,000."""
    lakh: Words
    """100,000."""
    thousand: Words


class SarvamCodes(_Part):
    """How Sarvam spells the language's code, which differs from endpoint to endpoint."""

    realtime: str
    """On the realtime speech-to-text socket."""
    others: str
    """Everywhere else: text to speech, the REST endpoints, the older sockets."""


class Font(_Part):
    """The family in which the page shows the language."""

    family: str
    """Its name in CSS."""
    package: str
    """Its npm package without "@fontsource/"; package.json has to list it."""
    subsets: Words
    """The package's subsets that the page needs."""


class Language(_Part):
    """A language that a call may be in."""

    code: str = Field(pattern=r"^([a-z]{2,3}-[A-Z]{2}|unknown)$")
    """BCP 47 with region, as the API and the call log have it; or `unknown`."""
    name: str
    """In English."""
    native: str
    """In the language itself."""
    fallback: str
    """Said to the caller when the language model cannot answer."""
    block: tuple[int, int] | None = None
    """First and last code point of its script's block in Unicode; None for Latin."""

    @property
    def html(self) -> str:
        """The `lang` attribute for text in this language."""
        return self.code.partition("-")[0] if self.code != UNKNOWN else "und"


class Locale(Language):
    """One file. Words may have several spellings; those of all languages count in every call."""

    order: int
    """The place in lists of languages."""
    aliases: Words = ()
    """Other codes and English names by which people mean this language."""
    yes: Words
    """Single words that say yes."""
    no: Words
    """Single words that say no."""
    backchannels: Words
    """Single words that only say "I am listening"."""
    placeholders: Words = ()
    """What stands in for a value that nobody gave: "don't know", "not said"."""
    digits: Mapping[str, Words]
    """Spoken digits by DIGIT_KEYS; the first spelling of each is the one that is spoken."""
    units: Units
    sarvam: SarvamCodes
    font: Font

    @field_validator("digits")
    @classmethod
    def _all_digits(cls, value: Mapping[str, Words]) -> Mapping[str, Words]:
        if missing := [key for key in DIGIT_KEYS if not value.get(key)]:
            raise ValueError(f"no words for {', '.join(missing)}")
        if surplus := sorted(value.keys() - set(DIGIT_KEYS)):
            raise ValueError(f"{', '.join(surplus)} means nothing here")
        return value
