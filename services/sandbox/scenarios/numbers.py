"""Phone numbers out of what was said: digits as words in any language, native digits, groups.

Callers mix: "my number is double nine eight four 01234 56789" in the middle of a Tamil sentence. So
digit words of every language count in every language.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from services.sandbox.scenarios.text import bare
from shared.locales.digits import MEANINGS, REPEATS

# Signs inside a written number. Full stops and commas at a word's end are gone before.
_GLUE = str.maketrans("", "", "-–().,/")


def digits_of(word: str) -> str | None:
    """ASCII digits (with a leading + kept) of a written or spoken word; None for other words.

    The words for double, triple and plus answer with their own English name.
    """
    spoken = MEANINGS.get(bare(word))
    if spoken is not None:
        return "+" if spoken == "plus" else spoken
    glued = word.strip().translate(_GLUE)
    plus, rest = ("+", glued[1:]) if glued.startswith("+") else ("", glued)
    if not rest or not all(unicodedata.category(letter) == "Nd" for letter in rest):
        return "+" if plus and not rest else None
    return plus + "".join(str(unicodedata.digit(letter)) for letter in rest)


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number in words[start:end]: ten digits, or + and more."""

    number: str
    start: int
    end: int


def find_phone(said: Sequence[str]) -> Phone | None:
    """The first phone number in the words; Indian ones without 0 or 91 in front."""
    start = 0
    while start < len(said):
        end = start
        while end < len(said) and digits_of(said[end]) is not None:
            end += 1
        if end > start and (found := _within(said, start, end)):
            return found
        start = max(end, start + 1)
    return None


def has_digits(said: Sequence[str]) -> bool:
    """Whether at least three digits were said: a try at a number."""
    digits = (digits_of(word) or "" for word in said)
    return sum(len(each) for each in digits if each.isdigit()) >= 3


def _within(said: Sequence[str], start: int, end: int) -> Phone | None:
    """The longest part of a run of digit words that is a phone number."""
    for length in range(end - start, 0, -1):
        for first in range(start, end - length + 1):
            number = _phone(_joined(said[first : first + length]))
            if number:
                return Phone(number, first, first + length)
    return None


def _joined(run: Sequence[str]) -> str:
    out, times = "", 1
    for word in run:
        digits = digits_of(word) or ""
        if digits in REPEATS:
            times = REPEATS[digits]
            continue
        out += digits[0] * times + digits[1:] if digits else ""
        times = 1
    return out


def _phone(digits: str) -> str | None:
    if digits.startswith("+"):
        number = digits[1:]
        return digits if number.isdigit() and 8 <= len(number) <= 15 else None
    if not digits.isdigit():
        return None
    if len(digits) == 12 and digits.startswith("91"):
        digits = digits[2:]
    elif len(digits) == 11 and digits.startswith("0"):
        digits = digits[1:]
    return digits if len(digits) == 10 and digits[0] in "6789" else None
