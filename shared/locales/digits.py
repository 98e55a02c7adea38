"""Digits as people in India say and write them, as ASCII: native numerals and spoken words."""

import re
import unicodedata
from typing import Final

from shared.locales.registry import LOCALES

MEANINGS: Final = {
    word.casefold(): meaning
    for locale in LOCALES.values()
    for meaning, words in locale.digits.items()
    for word in words
}
"""What the words of all languages stand for, by DIGIT_KEYS. Words are in lower case and NFC.

Callers say English digits in the middle of any other language, so all words count in every call.
"""

REPEATS: Final = {"double": 2, "triple": 3}
"""Meanings that say how often the next digit is said."""

_PLUS = "plus"
_SEPARATORS = re.compile(r"[\s,.\-–—।/()]+")


def ascii_digits(text: str) -> str:
    """The text with every decimal digit of any script as 0 to 9; all else stays."""
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text
    )


def spoken_digits(text: str) -> str:
    """A number said digit by digit, as digits ("nine eight double seven" -> "9877").

    Digits that are written already stay, and so does a leading plus. The answer is "" as soon as
    one word is something else: then the text is not a number that was spelled out.
    """
    text = unicodedata.normalize("NFC", ascii_digits(text)).casefold().strip()
    words = [word for word in _SEPARATORS.split(text.removeprefix("+")) if word]
    international = text.startswith("+")
    if words and MEANINGS.get(words[0]) == _PLUS:
        international = True
        del words[0]
    said: list[str] = ["+"] if international else []
    repeat = 1
    for word in words:
        meaning = word if word.isdecimal() else MEANINGS.get(word, "")
        if meaning in REPEATS:
            repeat = REPEATS[meaning]
        elif meaning.isdecimal():
            said.append(meaning * repeat)
            repeat = 1
        else:
            return ""
    return "".join(said)
