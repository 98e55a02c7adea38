"""Typed fields of a lead: what callers say becomes a value, or is asked for again."""

import pytest

from services.agent.lead.fields.dates import day
from services.agent.lead.fields.parse import parse_field
from services.agent.lead.fields.text import MAX_LENGTH, clean
from shared.errors import Invalid
from shared.profiles.model import FieldType


@pytest.mark.parametrize(
    ("said", "rupees"),
    [
        ("50 lakh", 5_000_000),
        ("1.5 crore", 15_000_000),
        ("₹ 12,50,000", 1_250_000),
        ("2 करोड़ 50 लाख", 25_000_000),
        ("५० लाख रुपये", 5_000_000),
        ("60 லட்சம்", 6_000_000),
        ("45 లక్షలు", 4_500_000),
        ("৭৫ লাখ টাকা", 7_500_000),
        ("25k", 25_000),
        ("about 80 lacs", 8_000_000),
        ("99.50", 99.5),
    ],
)
def test_amounts_as_india_says_them(said: str, rupees: float) -> None:
    """A budget that a CRM can compare, whatever words it was said in."""
    assert parse_field("budget", "money", said) == rupees


@pytest.mark.parametrize("said", ["पचास लाख", "40 to 50 lakh", "a lot", "50 lakh or 1 crore"])
def test_an_amount_that_is_not_one_is_asked_for_again(said: str) -> None:
    """A guess would be believed by whoever reads the lead."""
    with pytest.raises(Invalid, match="budget must be an amount in rupees"):
        parse_field("budget", "money", said)


def test_numbers_of_every_script() -> None:
    assert parse_field("rooms", "integer", "३ कमरे") == 3
    assert parse_field("loan", "boolean", "जी हाँ।") is True


@pytest.mark.parametrize(
    ("said", "iso"),
    [("2027-01-15", "2027-01-15"), ("15/1/2027", "2027-01-15"), ("on 15-01-2027.", "2027-01-15")],
)
def test_dates_are_day_first(said: str, iso: str) -> None:
    assert day(said) == iso


@pytest.mark.parametrize("said", ["31/02/2027", "next Saturday", "15/1"])
def test_no_date(said: str) -> None:
    assert day(said) is None


@pytest.mark.parametrize("kind", ["number", "integer", "boolean", "date", "money"])
def test_a_refusal_says_how_to_write_it(kind: FieldType) -> None:
    """The language model acts on this sentence."""
    with pytest.raises(Invalid, match="write it so"):
        parse_field("x", kind, "whatever")


def test_text_is_one_clean_line() -> None:
    """Control characters would break logs and webhooks downstream."""
    assert clean("  राहुल\n\tशर्मा\x00 ") == "राहुल शर्मा"
    assert len(clean("x" * 2000)) == MAX_LENGTH
    assert clean("क्\u200dष") == "क्\u200dष"


def test_fields_are_checked_by_their_type() -> None:
    """A phone number may have another key, and an option is one of those offered."""
    assert parse_field("callback", "phone", "98765 43210") == "+919876543210"
    assert parse_field("email", "string", "Rahul @ Example.com") == "rahul@example.com"
    assert parse_field("kind", "enum", "FLAT", ("flat", "villa")) == "flat"
    assert parse_field("budget", "string", " पचास  लाख ") == "पचास लाख"
    for key, kind, value in (("kind", "enum", "boat"), ("name", "string", "  ")):
        with pytest.raises(Invalid):
            parse_field(key, kind, value, ("flat",))  # type: ignore[arg-type] # plain strings here
