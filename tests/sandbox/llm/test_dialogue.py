"""The scripted LLM leads a call as its profile says, from the messages alone."""

import pytest

from services.sandbox.llm.dialogue import Reply, respond
from services.sandbox.scenarios import languages, names, phrases, scenario
from shared.locales.model import UNKNOWN
from shared.locales.registry import LANGUAGES
from tests.sandbox.llm.talk import KEYS, Talk, block, tools

EN = phrases("en-IN")


def test_every_language_of_the_product_has_phrases_and_every_scenario() -> None:
    """Whoever picks a language on the page would find the sandbox mute in it."""
    assert set(languages()) == set(LANGUAGES) - {UNKNOWN}
    for name in names():
        for language in languages():
            assert set(scenario(name, language).answers) == set(KEYS)


@pytest.mark.parametrize("language", languages())
def test_a_scenario_gives_exactly_its_lead(language: str) -> None:
    """`make call` could not succeed in this language."""
    answers = scenario("real-estate", language).answers
    talk = Talk(block(language))
    reply = talk.agent()
    for key in KEYS:
        assert phrases(language).ask[key] in reply.text
        reply = talk.say(answers[key].say)
    expected = scenario("real-estate", language).expected()
    talk.lead["phone"] = f"+91{talk.lead['phone']}"
    assert talk.lead == expected
    assert talk.ended
    assert phrases(language).agent.thanks in reply.text


def test_the_thanks_before_a_tool_call_promise_nothing() -> None:
    """A caller would hear "noted" although saving failed."""
    talk = Talk(block())
    talk.agent()
    reply = talk.say("My name is Asha Verma.", tool_answer="error: storage is away")
    assert reply.text.startswith(EN.agent.noted[0])
    assert EN.agent.again in reply.text
    assert EN.ask["name"] in reply.text
    assert talk.lead == {}


def test_several_things_in_one_sentence_are_all_noted() -> None:
    """A caller who says name and number at once would be asked again."""
    talk = Talk(block())
    talk.agent()
    reply = talk.say("I'm Asha, 98765 43210")
    assert talk.lead == {"name": "Asha", "phone": "9876543210"}
    assert reply.text.endswith(EN.ask["budget"])


def test_a_correction_replaces_what_was_noted() -> None:
    """The lead would keep a wrong number that the caller corrected."""
    talk = Talk(block())
    talk.agent()
    talk.say("Asha, 98765 43210")
    talk.say("Sorry, my number is 98765 43211")
    assert talk.lead["phone"] == "9876543211"
    assert "budget" not in talk.lead


def test_an_unknown_answer_is_asked_again_once_then_left() -> None:
    """The agent would insist for ever, or never ask a second time."""
    talk = Talk(block())
    talk.agent()
    talk.say("Asha")
    again = talk.say("I don't know")
    assert again.text == f"{EN.agent.again} {EN.ask['budget']}"
    left = talk.say("I really don't know")
    assert left.text == f"{EN.agent.skip} {EN.ask['location']}"
    assert "budget" not in talk.lead


def test_an_incomplete_number_is_asked_for_digit_by_digit() -> None:
    """A lead with seven digits cannot be called back."""
    talk = Talk(block(collected={key: "x" for key in KEYS if key != "phone"}))
    assert talk.agent().text.endswith(EN.ask["phone"])
    assert talk.say("98765 43").text == f"{EN.agent.again} {EN.ask['phone_again']}"
    talk.say("98765 43210")
    assert talk.lead == {"phone": "9876543210"}


def test_a_question_of_the_caller_is_no_answer() -> None:
    """The lead would hold "what does it cost?" as the budget."""
    talk = Talk(block())
    talk.agent()
    talk.say("Asha")
    reply = talk.say("What does a flat cost there?")
    assert reply.text == f"{EN.agent.later} {EN.ask['budget']}"


def test_a_greeting_is_answered_with_the_first_question() -> None:
    """ "Hello" would be taken for a name."""
    talk = Talk(block(greeting="Welcome to Griha Homes!"))
    talk.messages.append({"role": "assistant", "content": "Welcome to Griha Homes!"})
    assert talk.say("Hello?").text == EN.ask["name"]
    assert talk.lead == {}


def test_a_greeting_that_asks_is_answered() -> None:
    """The built-in greeting asks for the name: the answer would be lost."""
    greeting = "Welcome to Griha Homes! May I have your name?"
    talk = Talk(block(greeting=greeting))
    talk.messages.append({"role": "assistant", "content": greeting})
    assert talk.say("Asha").text.endswith(EN.ask["budget"])
    assert talk.lead == {"name": "Asha"}


def test_the_profiles_own_questions_are_asked_in_their_own_words() -> None:
    """Any profile but the built-in one would get the wrong questions."""
    fields = [
        {"key": "q1", "question": "Which course interests you?"},
        {"key": "q2", "question": "How many years of experience do you have?", "type": "integer"},
        {"key": "q3", "question": "What is your name?"},
        {"key": "name", "question": ""},
        {"key": "phone", "question": ""},
    ]
    keys = ("q1", "q2", "q3", "name", "phone")
    talk = Talk(block(fields=fields), tools(keys))
    assert talk.agent().text.endswith("Which course interests you?")
    assert "How many years" in talk.say("Data science").text
    assert "What is your name?" in talk.say("three").text
    reply = talk.say("Rohan Mehta")
    assert reply.text.endswith(EN.ask["phone"])  # the name is known: it is not asked twice
    talk.say("nine eight seven six five four three two one zero")
    assert talk.lead == {
        "q1": "Data science",
        "q2": "3",
        "q3": "Rohan Mehta",
        "name": "Rohan Mehta",
        "phone": "9876543210",
    }
    assert talk.ended


def test_a_call_goes_on_where_another_agent_left_it() -> None:
    """After an agent's death the caller would be asked everything again."""
    talk = Talk(block(collected={"name": "Asha", "budget": "80 lakh"}))
    reply = talk.agent()
    assert reply.text == f"{EN.agent.resumed} {EN.ask['location']}"


def test_an_interrupted_question_counts_as_asked() -> None:
    """Words cut off by a barge-in would lose the answer that interrupted them."""
    talk = Talk(block())
    talk.agent()
    talk.say("Asha")
    talk.messages[-1]["content"] = "What is"
    talk.say("eighty lakh")
    assert talk.lead["budget"] == "eighty lakh"


def test_the_agent_speaks_the_callers_language_when_it_is_unknown() -> None:
    """Auto-detect would answer a Tamil caller in English."""
    talk = Talk(block("unknown", profile_language="en-IN"))
    assert talk.agent().text.endswith(EN.ask["name"])
    reply = talk.say("என் பெயர் மீனா")
    assert talk.lead == {"name": "மீனா"}
    assert reply.text.endswith(phrases("ta-IN").ask["budget"])


def test_a_wish_for_a_person_is_heard() -> None:
    """transfer_keywords would be ignored, as they were in the predecessor."""
    talk = Talk(block(transfer_keywords=["manager"]))
    talk.agent()
    assert talk.say("Give me your manager please").text.startswith(EN.agent.human)


@pytest.mark.parametrize("language", languages())
def test_a_caller_who_takes_leave_is_let_go(language: str) -> None:
    """The agent would go on asking somebody who said goodbye."""
    for phrase in phrases(language).caller.goodbye:
        talk = Talk(block(language))
        talk.agent()
        reply = talk.say(phrase)
        assert talk.ended, phrase
        assert reply.calls[-1].arguments == {"reason": "caller_done"}


def test_the_reason_of_the_end_is_one_that_the_schema_allows() -> None:
    """The tool would refuse, and the call never end."""
    schema = {"type": "object", "properties": {"reason": {"enum": ["a", "lead_complete"]}}}
    declared = [{"type": "function", "function": {"name": "end_call", "parameters": schema}}]
    for collected, reason in (({}, "a"), (dict.fromkeys(KEYS, "x"), "lead_complete")):
        talk = Talk(block(collected=collected), declared)
        talk.messages.append({"role": "assistant", "content": "Hello."})
        talk.messages.append({"role": "user", "content": "bye"})
        [call] = respond(talk.messages, declared).calls
        assert call.arguments == {"reason": reason}


def test_tools_are_used_as_their_schemas_say() -> None:
    """A schema with a parameter a field would get arguments it does not know."""
    parameters = {"type": "object", "properties": {"name": {"type": "string"}, "phone": {}}}
    declared = [{"type": "function", "function": {"name": "save_lead", "parameters": parameters}}]
    talk = Talk(block(), declared)
    talk.messages.append({"role": "assistant", "content": EN.ask["name"]})
    talk.messages.append({"role": "user", "content": "I'm Asha, 98765 43210"})
    reply = respond(talk.messages, declared)
    assert [call.arguments for call in reply.calls] == [{"name": "Asha", "phone": "9876543210"}]


def test_without_tools_it_still_talks() -> None:
    """A request without tools would fail instead of asking on."""
    talk = Talk(block(), [])
    talk.agent()
    assert talk.say("Asha").text.endswith(EN.ask["budget"])


def test_the_end_call_result_is_followed_by_silence() -> None:
    """The agent would thank twice."""
    talk = Talk(block(collected=dict.fromkeys(KEYS, "x")))
    talk.agent()
    assert talk.ended
    assert respond(talk.messages[:-1], talk.tools) == Reply()


def test_without_a_block_it_says_what_it_is() -> None:
    """Somebody who points another program at it would wonder what answers there."""
    reply = respond([{"role": "user", "content": "hi"}], None)
    assert "scripted" in reply.text
