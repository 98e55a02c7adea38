"""Numbers, and amounts of money in the units in which India counts, in every language's words."""

import itertools
import re
from decimal import Decimal, InvalidOperation

from shared.locales.registry import LOCALES

_CRORE, _LAKH, _THOUSAND = 10_000_000, 100_000, 1_000
_FACTOR_OF = {
    word.casefold(): factor
    for locale in LOCALES.values()
    for factor, words in (
        (_CRORE, locale.units.crore),
        (_LAKH, locale.units.lakh),
        (_THOUSAND, locale.units.thousand),
    )
    for word in words
}
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
# The longest unit first where one begins another ("l", "lakh").
_AMOUNT = re.compile(
    r"(\d[\d,]*(?:\.\d+)?)\s*("
    + "|".join(re.escape(name) for name in sorted(_FACTOR_OF, key=len, reverse=True))
    + r")?(?!\w)"
)


def number(text: str) -> int | float | None:
    """The one number in the text; None when there is none, or several."""
    found = _NUMBER.findall(text)
    return _plain(_decimal(found[0])) if len(found) == 1 else None


def integer(text: str) -> int | None:
    value = number(text)
    return value if isinstance(value, int) else None


def money(text: str) -> int | float | None:
    """Rupees: parts with lakh, crore or thousand add up ("2 crore 50 lakh").

    None without an amount, or with two amounts that do not belong together ("40 to 50 lakh").
    """
    parts = [(_decimal(amount), unit) for amount, unit in _AMOUNT.findall(text)]
    factors = [_FACTOR_OF.get(unit, 1) for _, unit in parts]
    if not parts or any(later >= earlier for earlier, later in itertools.pairwise(factors)):
        return None
    total = sum(
        (amount * factor for (amount, _), factor in zip(parts, factors, strict=True)), Decimal(0)
    )
    return _plain(total)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:  # a lone sign
        return Decimal(0)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
