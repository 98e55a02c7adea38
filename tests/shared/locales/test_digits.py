"""Digits as they are written and said, in every language."""

import pytest

from shared.locales.digits import ascii_digits, spoken_digits
from shared.locales.model import DIGITS
from shared.locales.registry import LOCALES


def test_digits_of_every_script() -> None:
    """Speech recognition writes numerals in the script of the language."""
    assert ascii_digits("୯୮ ૯૮ ೯೮ ൯൮ ੯੮ ౯౮ a") == "98 98 98 98 98 98 a"
    assert spoken_digits("मेरा नंबर नौ") == ""


@pytest.mark.parametrize("code", LOCALES)
def test_every_digit_word_of_every_language_counts(code: str) -> None:
    """A number said in this language would be noted without a digit, or not at all."""
    words = LOCALES[code].digits
    for digit in DIGITS:
        for word in words[digit]:
            assert spoken_digits(f"{word} {word.upper()}") == digit * 2
    three = words["3"][0]
    for key, said in (("double", "33"), ("triple", "333"), ("plus", "+3")):
        assert [spoken_digits(f"{word} {three}") for word in words[key]] == [said] * len(words[key])


def test_a_word_that_is_no_digit_makes_it_no_number() -> None:
    """Words between digits would be swallowed, and an address be noted as a number."""
    assert spoken_digits("nine eight or so") == ""
    assert spoken_digits("nine plus eight") == ""
