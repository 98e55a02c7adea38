"""The simulated caller holds its side of the call, with the scripted LLM and with freer models."""

import phonenumbers
import pytest

from services.sandbox.caller.dialogue import next_utterance
from services.sandbox.caller.script import Asked, Script, from_scenario, invented
from services.sandbox.scenarios import languages, phrases, scenario
from shared.profiles import default_profile
from tests.sandbox.llm.talk import Talk, block, tools

OWN_QUESTIONS = (
    Asked(key="q1", question="Which course?"),
    Asked(key="q2", question="How many years?", type="integer"),
    Asked(key="q3", question="Do you need a room?", type="boolean"),
    Asked(key="q4", question="Morning or evening?", type="enum", options=("Morning", "Evening")),
    Asked(key="q5", question="Which mail address?", type="email"),
    Asked(key="q6", question="May I know your name?"),
    Asked(key="q7", question="Anything else?"),
)


def converse(script: Script, talk: Talk, *, turns: int = 40) -> tuple[list[str], list[str]]:
    """Both sides, until the agent ends the call or the caller has nothing more to say."""
    agent, caller = [talk.agent().text], list[str]()
    for _ in range(turns):
        said = next_utterance(script, agent, caller)
        if said is None or talk.ended:
            break
        caller.append(said.text)
        agent.append(talk.say(said.text).text)
    return agent, caller


def lead_of(talk: Talk) -> dict[str, str]:
    """As the agent notes it: phones in E.164."""
    return talk.lead | {"phone": f"+91{talk.lead['phone']}"}


@pytest.mark.parametrize("language", languages())
def test_a_scenario_is_told_to_the_builtin_agent(language: str) -> None:
    """`make call` would not come to its end in this language."""
    questions = default_profile().localised(language)
    asked = [Asked.model_validate(each.model_dump()) for each in questions.questions]
    script = from_scenario(scenario("real-estate", language), asked)
    facts = block(
        language,
        fields=[{"key": each.key, "question": each.question} for each in asked],
        greeting=questions.greeting,
    )
    talk = Talk(facts)
    _, said = converse(script, talk)
    assert talk.ended
    assert lead_of(talk) == script.expected()
    assert len(said) == len(asked)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("seed", ["one", "two", "three"])
def test_any_profile_gets_an_answer_to_each_question(language: str, seed: str) -> None:
    """`make call AGENT=ID` would get stuck on somebody's own questions."""
    script = invented(OWN_QUESTIONS, language, seed=seed)
    fields = [each.model_dump() for each in OWN_QUESTIONS]
    fields += [{"key": "name", "question": ""}, {"key": "phone", "question": ""}]
    keys = tuple(str(field["key"]) for field in fields)
    talk = Talk(block(language, fields=fields, greeting=None), tools(keys))
    converse(script, talk)
    assert talk.ended
    assert lead_of(talk) == script.expected()
    assert phonenumbers.is_valid_number(phonenumbers.parse(script.expected()["phone"]))


def test_answers_differ_from_each_other_and_are_the_same_again() -> None:
    """A field noted under another's key would go unnoticed; the page's caller would waver."""
    asked = [Asked(key=f"q{number}", question=f"Question {number}?") for number in range(25)]
    script = invented(asked, "hi-IN", seed="call")
    assert len(set(script.expected().values())) == 27
    assert script == invented(asked, "hi-IN", seed="call")
    assert script != invented(asked, "hi-IN", seed="other")


SCRIPT = from_scenario(
    scenario("real-estate", "en-IN"), [Asked(key="budget", question="What is your budget?")]
)


def answer(*agent: str, said: tuple[str, ...] = ()) -> str | None:
    utterance = next_utterance(SCRIPT, agent, said)
    return utterance.field if utterance else None


def say(key: str) -> str:
    return next(line.say for line in SCRIPT.lines if line.key == key)


@pytest.mark.parametrize(
    ("agent", "field"),
    [
        ("What is your budget?", "budget"),
        ("Lovely, and what would your budget roughly be?", "budget"),
        ("Great. Could I take your phone number please?", "phone"),
        ("And whom am I speaking with? May I have your good name?", "name"),
        ("Welcome!", "name"),
        ("What is your budget? And which area would you like to live in?", "location"),
    ],
)
def test_a_rephrased_question_is_understood(agent: str, field: str) -> None:
    """With a real model, which never asks in our words, the caller would answer past it."""
    assert answer(agent) == field


def test_what_is_asked_again_is_said_again_but_not_for_ever() -> None:
    """An agent that did not hear would never hear; one that never hears would never end."""
    once = ("What is your budget?",)
    assert answer(*once, said=(say("budget"),)) == "budget"
    assert answer(*once, said=(say("budget"),) * 3) != "budget"


def test_a_question_before_the_thanks_is_not_lost() -> None:
    """A message that comes after the question would hide it."""
    assert answer("What is your budget?", "Take your time.") == "budget"


def test_a_number_that_is_read_back_is_confirmed() -> None:
    """A model that reads back would be answered with the next field."""
    phone = (say("name"), say("phone"))
    utterance = next_utterance(SCRIPT, ["So that is 98765 43210, right?"], phone)
    assert utterance is not None
    assert (utterance.text, utterance.field) == ("yes", None)


def test_when_all_is_said_it_takes_leave_once() -> None:
    """The caller would talk for ever, or leave "anything else?" unanswered."""
    everything = tuple(line.say for line in SCRIPT.lines)
    bye = phrases("en-IN").caller.bye
    last = next_utterance(SCRIPT, ["Is there anything else?"], everything)
    assert last is not None
    assert last.text == bye
    assert next_utterance(SCRIPT, ["Is there anything else?"], (*everything, bye)) is None
    assert next_utterance(SCRIPT, ["Thank you, goodbye!"], everything) is None


def test_a_short_question_does_not_hide_a_longer_one() -> None:
    """Asked for the name of a course, the caller would say its own."""
    asked = [
        Asked(key="q1", question="What is the course name?"),
        Asked(key="name", question="Name"),
    ]
    script = invented(asked, "en-IN", seed="call")
    utterance = next_utterance(script, ["What is the course name?"], ["hello"])
    assert utterance is not None
    assert utterance.field == "q1"
