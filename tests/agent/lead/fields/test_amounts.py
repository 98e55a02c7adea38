"""Numbers and amounts, in every language's units."""

import pytest

from services.agent.lead.fields.amounts import integer, money, number
from shared.locales.registry import LOCALES


def test_one_number_counts_and_several_do_not() -> None:
    """A range noted as its first number would be believed."""
    assert number("about 2.5 acres") == 2.5
    assert number("2 or 3") is None
    assert integer("2.5") is None


@pytest.mark.parametrize("code", LOCALES)
def test_every_unit_of_a_language_is_understood(code: str) -> None:
    """Fifty lakh would be noted as fifty rupees."""
    units = LOCALES[code].units
    for words, factor in ((units.crore, 10**7), (units.lakh, 10**5), (units.thousand, 1000)):
        for word in words:
            assert money(f"2 {word}") == money(f"2{word}") == 2 * factor
            assert money(f"3 {units.crore[0]} 2 {word}") == (
                3 * 10**7 + 2 * factor if factor < 10**7 else None
            )


def test_the_beginning_of_another_word_is_no_unit() -> None:
    """Five kilometres would be five thousand rupees."""
    assert money("5 kilometres") == 5
