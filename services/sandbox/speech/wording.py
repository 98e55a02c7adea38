"""Text as espeak-ng must be given it, so that numbers are read as people say them."""

import re
import unicodedata
from typing import Final

DIGIT_BY_DIGIT: Final = 5  # digits; longer ones are telephone numbers and codes

_AMOUNT = re.compile(r"(?<!\d)\d{1,3}(?:,\d{2,3})+(?![\d,])")
_HYPHENATED = re.compile(r"(?<!\d)\d{2,5}(?:-\d{2,5})+(?!\d)")
_LONG = re.compile(rf"\d{{{DIGIT_BY_DIGIT},}}")
_MARK = "\ue000"  # stands for an amount while the long numbers are spaced


def spoken(text: str) -> str:
    """Digits of every Indian script become 0 to 9, those of a telephone number stand apart.

    `9876543210` would otherwise be read as billions. Short numbers and amounts with commas, such as
    `3` or `50,00,000`, stay numbers.
    """
    plain = "".join(_ascii_digit(letter) for letter in text)
    amounts = [found.replace(",", "") for found in _AMOUNT.findall(plain)]
    plain = _AMOUNT.sub(_MARK, plain)
    plain = _HYPHENATED.sub(lambda found: found.group().replace("-", ""), plain)
    plain = _LONG.sub(lambda found: " ".join(found.group()), plain)
    for amount in amounts:
        plain = plain.replace(_MARK, amount, 1)
    return plain


def _ascii_digit(letter: str) -> str:
    if letter.isascii() or unicodedata.category(letter) != "Nd":
        return letter
    return str(unicodedata.digit(letter))
