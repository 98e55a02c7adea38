"""What a caller said, as the lead keeps it."""

import pytest

from services.agent.lead.fields.digits import ascii_digits, spoken_digits
from services.agent.lead.fields.parse import MAX_LENGTH, clean, email, noted, phone
from shared.errors import Invalid


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("9876543210", "+919876543210"),
        ("98765 43210", "+919876543210"),
        ("+91 98765-43210", "+919876543210"),
        ("91 9876543210", "+919876543210"),
        ("098765 43210", "+919876543210"),
        ("0091 9876543210", "+919876543210"),
        ("९८७६५४३२१०", "+919876543210"),
        ("௯௮௭௬௫௪௩௨௧௦", "+919876543210"),
        ("৯৮৭৬৫৪৩২১০", "+919876543210"),
        ("nine eight seven six five four three two one zero", "+919876543210"),
        ("nine eight double seven, double five triple one oh", "+919877551110"),
        ("नौ आठ सात छह पाँच चार तीन दो एक शून्य", "+919876543210"),
        ("ஒன்பது எட்டு ஏழு ஆறு ஐந்து நான்கு மூன்று இரண்டு ஒன்று பூஜ்யம்", "+919876543210"),
        ("తొమ్మిది ఎనిమిది ఏడు ఆరు ఐదు నాలుగు మూడు రెండు ఒకటి సున్నా", "+919876543210"),
        ("নয় আট সাত ছয় পাঁচ চার তিন দুই এক শূন্য", "+919876543210"),
        ("મારો નંબર 98765 43210 છે", "+919876543210"),
        ("+1 650 253 0000", "+16502530000"),
        ("022 2778 2000", "+912227782000"),
    ],
)
def test_phone_numbers_become_e164(said: str, number: str) -> None:
    """Nobody can call back a number that was noted as it happened to be said."""
    assert phone(said) == number


@pytest.mark.parametrize("said", ["98765", "98765 4321", "", "रहने दो", "0000000000", "12" * 20])
def test_what_is_no_phone_number_is_refused(said: str) -> None:
    """The agent asks again instead of losing the caller to a typo."""
    with pytest.raises(Invalid):
        phone(said)


def test_a_refusal_tells_how_many_digits_were_heard() -> None:
    """The language model can say what is wrong."""
    with pytest.raises(Invalid, match="has 10 digits, this one has 8"):
        phone("98765432")


def test_digits_of_every_script() -> None:
    """Speech recognition writes numerals in the script of the language."""
    assert ascii_digits("୯୮ ૯૮ ೯೮ ൯൮ ੯੮ ౯౮ a") == "98 98 98 98 98 98 a"
    assert spoken_digits("मेरा नंबर नौ") == ""
    assert spoken_digits("plus nine one nine") == "+919"


def test_text_is_one_clean_line() -> None:
    """Control characters would break logs and webhooks downstream."""
    assert clean("  राहुल\n\tशर्मा\x00 ") == "राहुल शर्मा"
    assert len(clean("x" * 2000)) == MAX_LENGTH
    assert clean("क्\u200dष") == "क्\u200dष"


def test_fields_are_checked_by_their_type() -> None:
    """A phone number may have another key, and an option is one of those offered."""
    assert noted("callback", "phone", "98765 43210") == "+919876543210"
    assert noted("email", "string", "Rahul @ Example.com") == "rahul@example.com"
    assert noted("kind", "enum", "FLAT", ("flat", "villa")) == "flat"
    assert noted("budget", "string", " पचास  लाख ") == "पचास लाख"
    for key, kind, value in (("kind", "enum", "boat"), ("name", "string", "  ")):
        with pytest.raises(Invalid):
            noted(key, kind, value, ("flat",))  # type: ignore[arg-type] # plain strings here
    with pytest.raises(Invalid):
        email("rahul at example")
