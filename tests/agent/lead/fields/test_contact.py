"""Phone numbers and e-mail addresses as callers give them."""

import pytest

from services.agent.lead.fields.contact import email, phone
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


def test_what_is_no_email_address_is_refused() -> None:
    with pytest.raises(Invalid):
        email("rahul at example")
