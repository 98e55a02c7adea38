"""Typed values of a lead: numbers, dates, yes or no, and amounts of money as India says them.

The language model is told how to write each kind; what callers say ("50 lakh", "1.5 करोड़",
"15/01/2027") is understood as well. What cannot be understood is refused with a sentence that the
model can act on: a guess in a typed field would be believed by whoever reads the lead.
"""

import itertools
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from services.agent.lead.fields.digits import ascii_digits
from shared.errors import Invalid
from shared.profiles.model import FieldType

Value = str | int | float | bool

# How the language model writes a value of each kind; shown in the tool's schema.
FORMATS: Final[dict[FieldType, str]] = {
    "number": "a number in digits",
    "integer": "a whole number in digits",
    "boolean": "yes or no",
    "date": "YYYY-MM-DD",
    "money": "an amount in rupees, in digits, or with lakh or crore: 50 lakh",
    "phone": "digits",
    "email": "an e-mail address",
}

_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")

_YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "haan",
        "ha",
        "हाँ",
        "हां",
        "हा",
        "जी",
        "होय",
        "हो",
        "ஆமாம்",
        "ஆம்",
        "అవును",
        "হ্যাঁ",
        "হাঁ",
        "હા",
        "ಹೌದು",
        "അതെ",
        "ഉവ്വ്",
        "ਹਾਂ",
        "ହଁ",
        "ହେଁ",
    ]
)
_NO = frozenset(
    [
        "no",
        "n",
        "false",
        "nahi",
        "nahin",
        "नहीं",
        "नही",
        "ना",
        "नाही",
        "இல்லை",
        "వద్దు",
        "లేదు",
        "కాదు",
        "না",
        "નહીં",
        "ના",
        "ಇಲ್ಲ",
        "ಬೇಡ",
        "ഇല്ല",
        "വേണ്ട",
        "ਨਹੀਂ",
        "ਨਾਂ",
        "ନାହିଁ",
        "ନା",
    ]
)

# Multipliers by how they are written, the longest spelling first where one begins another.
_UNITS: Final[tuple[tuple[int, tuple[str, ...]], ...]] = (
    (
        10_000_000,
        (
            *("crores", "crore", "cr", "करोड़", "करोड", "कोटी", "कोटि", "கோடி", "కోట్లు", "కోటి"),
            *("কোটি", "કરોડ", "ಕೋಟಿ", "കോടി", "ਕਰੋੜ", "କୋଟି"),
        ),
    ),
    (
        100_000,
        (
            *("lakhs", "lakh", "lacs", "lac", "लाख", "லட்சம்", "இலட்சம்", "లక్షలు", "లక్షల", "లక్ష"),
            *("লাখ", "লক্ষ", "લાખ", "ಲಕ್ಷ", "ലക്ഷം", "ਲੱਖ", "ଲକ୍ଷ", "l"),
        ),
    ),
    (
        1_000,
        (
            *("thousand", "k", "हज़ार", "हजार", "ஆயிரம்", "వేలు", "వేల", "వెయ్యి", "হাজার", "હજાર"),
            *("ಸಾವಿರ", "ആയിരം", "ਹਜ਼ਾਰ", "ਹਜਾਰ", "ହଜାର"),
        ),
    ),
)
_UNIT_OF = {name: factor for factor, names in _UNITS for name in names}
_AMOUNT = re.compile(
    r"(\d[\d,]*(?:\.\d+)?)\s*("
    + "|".join(re.escape(name) for name in sorted(_UNIT_OF, key=len, reverse=True))
    + r")?(?!\w)"
)


def typed(key: str, kind: FieldType, text: str) -> Value:
    """The value of a number, integer, boolean, date or money field. Raises Invalid.

    Dates are ISO 8601 text, money is rupees: an int where it is whole, else a float.
    """
    plain = ascii_digits(text).strip().casefold()
    readers = {
        "number": number,
        "integer": integer,
        "boolean": boolean,
        "date": day,
        "money": money,
    }
    value = readers[kind](plain)
    if value is None:
        raise Invalid(
            f"{key} must be {FORMATS[kind]}: ask for it again, or write it so",
            code=f"invalid_{kind}",
            field=key,
        )
    return value


def number(text: str) -> int | float | None:
    """The one number in the text; None when there is none, or several."""
    found = _NUMBER.findall(text)
    return _plain(_decimal(found[0])) if len(found) == 1 else None


def integer(text: str) -> int | None:
    value = number(text)
    return value if isinstance(value, int) else None


def boolean(text: str) -> bool | None:
    """Yes or no by their own words in eleven languages; None for both, or neither."""
    said = set(re.split(r"[\s,.!।]+", text))
    yes, no = bool(said & _YES), bool(said & _NO)
    return yes if yes != no else None


def day(text: str) -> str | None:
    """A date as YYYY-MM-DD: ISO, or day first, as India writes it."""
    if match := _ISO.search(text):
        year, month, of_month = match.groups()
    elif match := _DAY_FIRST.search(text):
        of_month, month, year = match.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(of_month)).isoformat()
    except ValueError:
        return None


def money(text: str) -> int | float | None:
    """Rupees: parts with lakh, crore or thousand add up ("2 crore 50 lakh").

    None without an amount, or with two amounts that do not belong together ("40 to 50 lakh").
    """
    parts = [(_decimal(amount), unit) for amount, unit in _AMOUNT.findall(text)]
    factors = [_UNIT_OF.get(unit, 1) for _, unit in parts]
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
