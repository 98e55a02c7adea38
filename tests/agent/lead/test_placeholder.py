"""What stands for a value that is not there, and what only looks like it."""

import pytest

from services.agent.lead.placeholder import is_placeholder
from shared.locales.registry import LOCALES


@pytest.mark.parametrize(
    "text",
    [
        *("unknown", "Unknown.", "UNKNOWN", "N/A", "n.a.", "NA", "N / A", "none", "None", "null"),
        *("nil", "undefined", "TBD", "T.B.D.", "-", "--", "—", "?", "???", "...", "*", "_"),
        *("xxx", "XXXXXXXXXX", "X X X", "[name]", "[Your Name]", "<phone>", "{name}", "{{phone}}"),
        *("not provided", "Not Provided", "(not provided)", "not mentioned", "not specified"),
        *(
            "not yet provided",
            "not given by the caller",
            "not shared by caller",
            "caller did not say",
            "not available",
        ),
        *("The caller has not mentioned it yet", "hasn't been provided", "user didn't specify"),
        *("caller", "the user", "Caller Name", "John Doe", "not applicable", "don’t know"),
        *("no name provided", "none mentioned", "name is unknown", "currently unknown"),
        *("unknown at this time", "unavailable at the moment", "caller unknown", "lorem ipsum"),
        *("to be filled", "prefer not to say", "the caller declined to say", "does not know"),
        *("not_provided", "not-provided", "NotProvided", "notProvided", "caller_name"),
        *("unknown, unknown", "unknown unknown", "N/A N/A", "null/none", "Unknown/Not provided"),
        *("unknown (not provided)", "N/A - not provided", "N/A (not mentioned)", "Phone: N/A"),
        *(
            "ＵＮＫＮＯＷＮ",
            "Ｎ／Ａ",
            "（not provided）",
            "［name］",
            "un\u200bknown",
            "not\u00a0provided",
        ),
        *("[name 1]", "[10-digit number]", "{{phone1}}", "${name}", "%name%", "`[name]`", "**-**"),
        *("your name here", "insert name", "dummy name", "the caller's name", "([name])"),
        *("पता नहीं", "தெரியாது", "தெரியவில்லை", "জানি না", "ଜଣା ନାହିଁ"),
    ],
)
def test_stand_in_words(text: str) -> None:
    """A lead with such a value looks complete and cannot be called back."""
    assert is_placeholder(text)


@pytest.mark.parametrize("words", [each for one in LOCALES.values() for each in one.placeholders])
def test_what_people_say_who_do_not_know(words: str) -> None:
    """In every language that has a file."""
    assert is_placeholder(words)
    assert is_placeholder(f" {words}. ")


@pytest.mark.parametrize(
    "text",
    [
        *("N. A. Khan", "Noor", "Nil Ratan", "Null Bazaar", "None of these", "Naresh", "Nannu"),
        *("Xavier", "Xi", "X", "Unknown Pleasures", "Anonymous Ali", "-5", "0", "+91 98765 43210"),
        *(
            "Unknown/Brown Ltd",
            "Nil, Kumar",
            "Khan (N.A.)",
            "name: Ravi",
            "Name Sharma",
            "<ravi@x.in>",
        ),
        *("No. 5 Enter Street", "empty", "pending/done", "M/s N.A. Traders", "Asha None-Smith"),
        *("[2 BHK]", "9999999999", "000", "no", "नहीं", "இல்லை", "No pets", "pending", "customer"),
        *(
            "not available in the mornings",
            "not shared",
            "not far from the station",
            "not more than 50 lakh",
            "The user manual",
            "Call centre",
        ),
        *("John", "Test Road", "राहुल", "ராகுல்", "हाँ", "ना", "நா. முத்துக்குமார்", "12 x 12"),
        "",
    ],
)
def test_values_that_only_look_like_it(text: str) -> None:
    """A caller who is asked for their name again and again hangs up."""
    assert not is_placeholder(text)


def test_a_field_s_own_key_says_nothing() -> None:
    assert is_placeholder("visit time", key="visit_time")
    assert not is_placeholder("phone", key="prefers")


def test_an_answer_that_the_profile_offers_is_a_value() -> None:
    """Whatever its words: somebody chose them."""
    assert not is_placeholder("None", options=("Cat", "None"))
    assert not is_placeholder("not sure", options=("yes", "Not sure"))
    assert is_placeholder("unknown", options=("yes", "no"))
