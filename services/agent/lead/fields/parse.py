"""What a caller said for a field, as it is noted: cleaned, limited, and checked by its type."""

import re
import unicodedata

import phonenumbers

from services.agent.lead.fields.digits import ascii_digits, spoken_digits
from services.agent.lead.fields.typed import Value, typed
from shared.errors import Invalid
from shared.profiles.model import FieldType

MAX_LENGTH = 500  # characters; a spoken answer has 20, a rambling one 200
REGION = "IN"  # for numbers without a country code

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
_PHONE_LENGTH = 10
_TRUNKS = ("0091", "091", "91", "0")


def clean(text: str, limit: int = MAX_LENGTH) -> str:
    """One line of text without control characters, in composed form, at most `limit` long.

    Zero-width joiners stay: Indian scripts need them.
    """
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(
        " " if letter.isspace() or unicodedata.category(letter) in ("Cc", "Cs") else letter
        for letter in composed
    )
    return " ".join(visible.split())[:limit].rstrip()


def phone(text: str) -> str:
    """A phone number in E.164. Numbers without a country code are Indian.

    Takes native numerals, digits said one by one, spaces and dashes, a leading 0, 91 or +91.
    Raises Invalid with a sentence that the language model can act on.
    """
    cleaned = clean(ascii_digits(text))
    digits = spoken_digits(cleaned) or re.sub(r"[^\d+]", "", cleaned)
    number = digits if digits.startswith("+") else _indian(digits)
    try:
        parsed = phonenumbers.parse(number, REGION)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        raise Invalid(_wrong_phone(digits), code="invalid_phone", field="phone")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def email(text: str) -> str:
    """An e-mail address in lower case. Raises Invalid."""
    address = clean(text).casefold().replace(" ", "")
    if not _EMAIL.fullmatch(address):
        raise Invalid("not an e-mail address: ask for it again", code="invalid_email")
    return address


def noted(key: str, kind: FieldType, text: str, options: tuple[str, ...] = ()) -> Value:
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
    if kind in ("number", "integer", "boolean", "date", "money"):
        return typed(key, kind, value)
    return value


def _indian(digits: str) -> str:
    """Ten digits with the country code; longer ones lose what people put before them."""
    for trunk in _TRUNKS:
        if len(digits) == _PHONE_LENGTH + len(trunk) and digits.startswith(trunk):
            digits = digits.removeprefix(trunk)
            break
    return f"+91{digits}" if len(digits) == _PHONE_LENGTH else digits


def _wrong_phone(digits: str) -> str:
    count = len(digits.lstrip("+"))
    if count != _PHONE_LENGTH and not digits.startswith("+"):
        return f"an Indian phone number has 10 digits, this one has {count}: ask for it again"
    return "not a valid phone number: ask for it again"


def _option(key: str, value: str, options: tuple[str, ...]) -> str:
    for option in options:
        if option.casefold() == value.casefold():
            return option
    raise Invalid(f"{key} must be one of: {', '.join(options)}", code="invalid_option", field=key)
