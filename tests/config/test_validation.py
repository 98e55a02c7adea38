"""What is used of a profile that has mistakes in it, and what makes it invalid."""

from typing import Any

import pytest

from services.config.fetch_result import Failed, Found
from services.config.validation import read_profile
from shared.profiles import Profile, default_profile

QUESTIONS = ["Name?", {"key": "area", "question": "Where?"}, "When?"]


def read(data: Any) -> Found:
    answer = read_profile(data, "clinic", "N8N")
    assert isinstance(answer, Found), answer
    return answer


def test_what_is_valid_stays_as_it_was_given() -> None:
    """Pages of the predecessor show the fields of N8N."""
    given = {**default_profile().model_dump(mode="json"), "id": "clinic"}
    answer = read(given)
    assert answer.left_out == ""
    assert answer.profile.model_dump(mode="json") == given


@pytest.mark.parametrize(
    ("written", "code"),
    [("od-IN", "or-IN"), ("hi", "hi-IN"), ("hi_IN", "hi-IN"), ("HI-IN", "hi-IN"), (" ", None)],
)
def test_other_spellings_of_a_language_are_taken(written: str, code: str | None) -> None:
    """For one dash in N8N's table a clinic would have no agent at all."""
    answer = read({"language": written, "translations": {}})
    assert (answer.profile.language, answer.left_out) == (code, "")
    if code:
        answer = read({"translations": {written: {"greeting": "!"}}})
        assert (list(answer.profile.translations), answer.left_out) == ([code], "")


def test_of_two_spellings_the_code_itself_counts() -> None:
    """Which greeting is said would hang on the order of columns."""
    exact, other = {"greeting": "exact"}, {"greeting": "other"}
    for translations in ({"hi-IN": exact, "hi": other}, {"hi": other, "hi-IN": exact}):
        found = read({"translations": translations}).profile.translations
        assert [each.greeting for each in found.values()] == ["exact"]


@pytest.mark.parametrize(
    ("wrong", "named", "kept"),
    [
        ({"language": "fr-FR"}, "language", {"language": None}),
        ({"language": 7}, "language", {"language": None}),
        ({"voice": ["priya"]}, "voice", {"voice": None}),
        ({"voice": "x" * 65}, "voice", {"voice": None}),
        ({"transfer_keywords": ["person", 7]}, "transfer_keywords.1", {}),
        ({"translations": {"fr-FR": {"greeting": "Bonjour"}}}, "translations.fr-FR", {}),
        ({"translations": {"fr-FR": {"greeting": 7}}}, "translations.fr-FR", {}),
        ({"translations": {"unknown": {"greeting": "?"}}}, "translations.unknown", {}),
        ({"translations": {"ta-IN": "வணக்கம்"}}, "translations.ta-IN", {}),
        ({"translations": {"ta-IN": {"greeting": ["x"]}}}, "translations.ta-IN.greeting", {}),
        ({"lead_fields": [{"key": "fee"}, {"key": "day", "type": "weekday"}]}, "lead_fields.1", {}),
        ({"lead_fields": ["fee", {"key": "fee"}]}, "lead_fields.0", {}),
        ({"qualification_questions": [*QUESTIONS, ""]}, "qualification_questions.3", {}),
        (
            {"qualification_questions": [{"key": ["a"], "question": "?"}, "Name?"]},
            "questions.0",
            {},
        ),
    ],
)
def test_only_what_cannot_be_used_is_left_out(
    wrong: dict[str, Any], named: str, kept: dict[str, Any]
) -> None:
    """For one mistyped cell all callers of an agent would be sent away."""
    answer = read({"name": "Clinic", "greeting": "Hello", **wrong})
    assert named in answer.left_out
    assert (answer.profile.name, answer.profile.greeting) == ("Clinic", "Hello")
    for field, value in kept.items():
        assert getattr(answer.profile, field) == value


def test_a_question_left_out_moves_no_other() -> None:
    """Answers would go into another question's column, or be asked for in other words."""
    lead_fields = [
        {"key": "fee", "type": "wrong", "question": "Fee?"},
        {"key": "at", "question": "At?"},
    ]
    answer = read(
        {
            "qualification_questions": [*QUESTIONS, {"key": "Bad Key", "question": "?"}, "Why?"],
            "lead_fields": lead_fields,
            "translations": {
                "ta-IN": {
                    "greeting": "!",
                    "qualification_questions": ["N", "A", "W", "bad", "Y", "F", "T", "beyond"],
                },
                "hi-IN": {"qualification_questions": ["N", 7, {"key": "q3", "question": "W"}]},
            },
        }
    )
    profile = answer.profile
    assert [each.key for each in profile.questions()] == ["q1", "area", "q3", "q5", "at"]
    tamil = profile.localised("ta-IN")
    assert tamil.greeting == "!"
    assert [each.question for each in tamil.questions] == ["N", "A", "W", "Y", "T"]
    hindi = [each.question for each in profile.localised("hi-IN").questions]
    assert hindi == ["N", "Where?", "W", "Why?", "At?"]
    assert "qualification_questions.3.key" in answer.left_out
    assert "lead_fields.0.type" in answer.left_out


def test_nulls_are_omitted_fields_at_every_depth() -> None:
    """An empty cell would cost a translation."""
    translation = {"greeting": "!", "qualification_questions": None, "fallback_message": None}
    question = {"key": "area", "question": "Where?", "required": None}
    answer = read(
        {
            "voice": None,
            "translations": {"hi-IN": translation},
            "qualification_questions": [question],
        }
    )
    assert answer.left_out == ""
    assert answer.profile.questions()[0].required


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"id": "other"}, "id is 'other'"),
        ({"name": {"hi": "x"}}, "name"),
        ({"system_prompt": 7}, "system_prompt"),
        ({"system_prompt": "x" * 20_001}, "system_prompt"),
        ({"greeting": 7}, "greeting"),
        ({"fallback_message": []}, "fallback_message"),
        ({"qualification_questions": "none"}, "qualification_questions"),
        ({"qualification_questions": [7, 8]}, "qualification_questions.0"),
        ({"qualification_questions": ["?"] * 41}, "qualification_questions"),
        ({"lead_fields": [{"key": "Bad Key"}]}, "lead_fields.0.key"),
        ({"translations": []}, "translations"),
        ({"language": "fr-FR", "greeting": 7}, "greeting"),
    ],
)
def test_what_would_be_another_agent_is_invalid(wrong: dict[str, Any], named: str) -> None:
    """Callers would meet an agent without its instructions, or without its questions."""
    answer = read_profile({"name": "Clinic", **wrong}, "clinic", "N8N")
    assert isinstance(answer, Failed)
    assert named in answer.reason
    assert not answer.away


@pytest.mark.parametrize("data", [None, [], "profile", 7, {}, {"message": "Workflow was started"}])
def test_what_is_no_profile_at_all(data: Any) -> None:
    """An error message of N8N's would become an agent without any words."""
    assert isinstance(read_profile(data, "clinic", "N8N"), Failed)


def test_values_are_never_named() -> None:
    """What a profile says would be in the log for everybody to read."""
    answer = read(
        {"name": "Clinic", "voice": ["secret-words"], "lead_fields": ["secret-words", {"key": "a"}]}
    )
    assert "secret-words" not in answer.left_out
    assert answer.profile == Profile(id="clinic", name="Clinic", lead_fields=({"key": "a"},))
