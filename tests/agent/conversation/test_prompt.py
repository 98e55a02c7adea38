"""The system prompt and the block of facts in it."""

import json
from typing import Any

from services.agent.conversation.prompt import system_prompt
from shared.calls import Call
from shared.profiles.builtin import default_profile
from shared.profiles.model import Profile


def call(profile: Profile, language: str) -> Call:
    return Call(
        id="id",
        lead_id="lead",
        room="room",
        agent_id=profile.id,
        language=language,
        voice="priya",
        profile=profile,
        profile_version="v",
    )


def prompt(profile: Profile, language: str, **more: Any) -> tuple[str, dict[str, Any]]:
    text = system_prompt(
        call(profile, language),
        profile.localised(language),
        default_language="hi-IN",
        fallback="sorry",
        **more,
    )
    block = text.split("```json\n")[1].split("\n```")[0]
    return text, json.loads(block)


def test_the_block_holds_what_a_call_needs_in_its_language() -> None:
    """The choice of language on the page reaches the agent, and what is asked with it."""
    text, block = prompt(default_profile(), "ta-IN")
    assert block["bolchaal"] == 1
    assert block["language"] == "ta-IN"
    assert block["fields"][0] == {
        "key": "name",
        "question": "உங்கள் பெயர் என்ன?",
        "required": True,
        "type": "string",
    }
    assert block["greeting"].startswith("வணக்கம்")
    assert block["fallback_message"] == "sorry"
    assert "Speak Tamil" in text
    assert text.startswith(default_profile().system_prompt)


def test_name_and_phone_come_last_when_the_profile_does_not_ask_for_them() -> None:
    """Every profile of an operator yields leads that can be called back."""
    profile = Profile(id="x", qualification_questions=("Which class?",))
    _, block = prompt(profile, "en-IN")
    assert [field["key"] for field in block["fields"]] == ["q1", "name", "phone"]
    assert block["fields"][-1]["type"] == "phone"


def test_auto_detect_begins_in_the_profiles_language() -> None:
    """`unknown` is no language that one can greet in."""
    text, block = prompt(Profile(id="x", language="mr-IN"), "unknown")
    assert (block["language"], block["profile_language"]) == ("unknown", "mr-IN")
    assert "Begin in Marathi" in text


def test_transfer_keywords_are_used() -> None:
    """A caller who asks for a person is not argued with; without keywords nothing is promised."""
    text, block = prompt(Profile(id="x", transfer_keywords=("manager",)), "en-IN")
    assert block["transfer_keywords"] == ["manager"]
    assert "a colleague will call back" in text
    text, _ = prompt(Profile(id="x"), "en-IN")
    assert "transfer_keywords" in text
    assert "asks for a person" not in text


def test_a_resumed_call_knows_what_was_said() -> None:
    """Nobody is asked for a number twice because a process died."""
    _, block = prompt(default_profile(), "hi-IN", collected={"name": "राहुल"})
    assert block["collected"] == {"name": "राहुल"}
