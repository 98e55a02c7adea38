"""Values out of what callers say."""

import pytest

from services.sandbox.llm.extract import understand
from services.sandbox.llm.prompt import AskedField
from services.sandbox.scenarios import languages, phrases
from services.sandbox.scenarios.numbers import find_phone
from tests.sandbox.llm.talk import KEYS

FIELDS = [AskedField(key=key, question=f"{key}?") for key in KEYS]


def values(text: str, asked: str | None, language: str = "en-IN") -> dict[str, str]:
    field = next((each for each in FIELDS if each.key == asked), None)
    return understand(text, field, FIELDS, [phrases(language), phrases("en-IN")]).values


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("9876543210", "9876543210"),
        ("98765 43210", "9876543210"),
        ("98765-43210.", "9876543210"),
        ("+91 98765 43210", "+919876543210"),
        ("919876543210", "9876543210"),
        ("09876543210", "9876543210"),
        ("९८७६५ ४३२१०", "9876543210"),
        ("௯௮௭௬௫௪௩௨௧௦", "9876543210"),
        ("nine eight seven six five four three two one zero", "9876543210"),
        ("double nine eight seven six five triple zero four", "9987650004"),
        ("नौ आठ सात छह पाँच चार तीन दो एक शून्य", "9876543210"),
        ("डबल नौ eight seven six five four three two one", "9987654321"),
        ("plus one four one five five five five two six seven one", "+14155552671"),
    ],
)
def test_phone_numbers_are_understood_as_they_are_spoken(said: str, number: str) -> None:
    """A caller's number would be asked for again, or noted wrongly."""
    found = find_phone(said.split())
    assert found is not None
    assert found.number == number


@pytest.mark.parametrize("said", ["98765", "5 lakh 50 thousand", "1234567890", "two or three"])
def test_other_figures_are_no_phone_number(said: str) -> None:
    """A budget would become a phone number."""
    assert find_phone(said.split()) is None


@pytest.mark.parametrize("language", languages())
def test_digit_words_of_every_language_make_a_number(language: str) -> None:
    """Numbers spoken in this language would not be understood."""
    table = phrases(language).digits
    for column in range(max(len(table[digit]) for digit in "0123456789")):
        said = [table[digit][min(column, len(table[digit]) - 1)] for digit in "9876543210"]
        found = find_phone(said)
        assert found is not None, said
        assert found.number == "9876543210"


@pytest.mark.parametrize("language", languages())
def test_invented_answers_survive_as_they_are(language: str) -> None:
    """`make call AGENT=ID` would expect words that the agent strips."""
    spoken = phrases(language)
    question = AskedField(key="q1", question="?")
    for answer in spoken.invent.answers:
        got = understand(answer, question, [question], [spoken, phrases("en-IN")])
        assert got.values == {"q1": answer}
    for name in spoken.invent.names:
        assert values(spoken.named["name"][0].format(name), "name", language) == {"name": name}


@pytest.mark.parametrize("language", languages())
def test_every_carrier_is_stripped(language: str) -> None:
    """The lead would hold "my budget is ..." instead of the budget."""
    spoken = phrases(language)
    value = "Xyz"
    for key, carriers in (spoken.carriers | spoken.named).items():
        for carrier in carriers:
            if key == "phone":
                assert values(carrier.format("98765 43210"), "phone", language) == {
                    "phone": "9876543210"
                }
                continue
            asked = "visit_time" if key == "any" else key
            got = values(carrier.format(value), asked, language)
            assert got == {asked: value}, carrier


@pytest.mark.parametrize("language", languages())
def test_evasions_are_no_answers(language: str) -> None:
    """ "I don't know" would stand in the lead as the budget."""
    for phrase in phrases(language).caller.unsure:
        field = FIELDS[1]
        got = understand(phrase, field, FIELDS, [phrases(language)])
        assert got.evaded
        assert got.values == {}


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [
        ("Yes, it's Baner, Pune.", "location", {"location": "Baner, Pune"}),
        ("My name is Asha and my number is 98765 43210", "name",
         {"name": "Asha", "phone": "9876543210"}),
        ("my budget is 1.5 crore", "location", {"budget": "1.5 crore"}),
        ("I am looking for a flat", "property_type", {"property_type": "flat"}),
        ("I would like to know more about your company please", "name", {}),
        ("okay", "budget", {}),
    ],
)  # fmt: skip
def test_sentences_of_everyday(said: str, asked: str, expected: dict[str, str]) -> None:
    """What people say around the value would end up in the lead."""
    assert values(said, asked) == expected


def test_yes_and_no_answer_a_question_of_the_profile() -> None:
    """ "Do you need a loan?" - "Yes" would be taken for no answer."""
    loan = AskedField(key="q1", question="Do you need a loan?")
    typed = loan.model_copy(update={"type": "boolean"})
    spoken = [phrases("hi-IN")]
    assert understand("जी हाँ", loan, [loan], spoken).values == {"q1": "जी हाँ"}
    assert understand("जी नहीं", typed, [typed], spoken).values == {"q1": "no"}


def test_an_option_is_recognised_in_a_sentence() -> None:
    """A typed enum would get a whole sentence."""
    field = AskedField(key="kind", type="enum", options=("villa", "flat"))
    got = understand("we would prefer a villa", field, [field], [phrases("en-IN")])
    assert got.values == {"kind": "villa"}
