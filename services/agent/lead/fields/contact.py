"""Phone numbers and e-mail addresses. What is none is refused with a sentence for the model."""

import re

import phonenumbers

from services.agent.lead.fields.text import clean
from shared.errors import Invalid
from shared.locales.digits import ascii_digits, spoken_digits

REGION = "IN"  # for numbers without a country code

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
_PHONE_LENGTH = 10
_TRUNKS = ("0091", "091", "91", "0")


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
