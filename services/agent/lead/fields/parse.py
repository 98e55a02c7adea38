"""What a caller said for a field becomes the value that the lead keeps: cleaned and checked.

The language model is told how to write each type; what callers say ("50 lakh", "1.5 करोड़",
"15/01/2027") is understood as well. What cannot be understood is refused with a sentence that the
model can act on: a guess in a typed field would be believed by whoever reads the lead.
"""

from collections.abc import Callable
from typing import Final

from services.agent.lead.fields.amounts import integer, money, number
from services.agent.lead.fields.booleans import boolean
from services.agent.lead.fields.contact import email, phone
from services.agent.lead.fields.dates import day
from services.agent.lead.fields.text import clean
from shared.errors import Invalid
from shared.locales.digits import ascii_digits
from shared.profiles.model import FieldType

Value = str | int | float | bool

# How the language model writes a value of each type; shown in the tool's schema.
FORMATS: Final[dict[FieldType, str]] = {
    "number": "a number in digits",
    "integer": "a whole number in digits",
    "boolean": "yes or no",
    "date": "YYYY-MM-DD",
    "money": "an amount in rupees, in digits, or with lakh or crore: 50 lakh",
    "phone": "digits",
    "email": "an e-mail address",
}

_PARSERS: Final[dict[FieldType, Callable[[str], Value | None]]] = {
    "number": number,
    "integer": integer,
    "boolean": boolean,
    "date": day,
    "money": money,
}


def parse_field(key: str, kind: FieldType, text: str, options: tuple[str, ...] = ()) -> Value:
    """The value of a field as the lead keeps it. Raises Invalid."""
    value = clean(text)
    if not value:
        raise Invalid(f"no value for {key}: ask for it", code="empty", field=key)
    if key == "phone" or kind == "phone":
        return phone(value)
    if key == "email" or kind == "email":
        return email(value)
    if kind == "enum" and options:
        return _option(key, value, options)
    if kind in _PARSERS:
        return parse_typed(key, kind, value)
    return value


def parse_typed(key: str, kind: FieldType, text: str) -> Value:
    """The value of a number, integer, boolean, date or money field. Raises Invalid.

    Dates are ISO 8601 text, money is rupees: an int where it is whole, else a float.
    """
    value = _PARSERS[kind](ascii_digits(text).strip().casefold())
    if value is None:
        raise Invalid(
            f"{key} must be {FORMATS[kind]}: ask for it again, or write it so",
            code=f"invalid_{kind}",
            field=key,
        )
    return value


def _option(key: str, value: str, options: tuple[str, ...]) -> str:
    for option in options:
        if option.casefold() == value.casefold():
            return option
    raise Invalid(f"{key} must be one of: {', '.join(options)}", code="invalid_option", field=key)
