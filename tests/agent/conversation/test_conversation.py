"""A whole call in text: session, scripted LLM, tools, lead and log, without rooms and speech."""

import asyncio

from redis.asyncio import Redis

from services.agent.conversation.history import Earlier
from services.agent.settings import AgentSettings
from services.sandbox.llm import LlmStandIn
from shared.calls import Calls
from shared.calls.log import AgentState, CallNotice, LeadRevision, ToolCall, Turn
from shared.locales.registry import LANGUAGES
from shared.profiles.model import Profile
from tests.agent.calls import settings, text_call, texts

FALLBACK = LANGUAGES["hi-IN"].fallback


async def test_a_call_in_hindi_captures_the_whole_lead(redis: Redis, config: AgentSettings) -> None:
    """The product in its thinnest form: what is said arrives as a complete lead."""
    async with text_call(redis, config) as call:
        for answer in (
            "मेरा नाम राहुल शर्मा है",
            "मेरा नंबर 98765 43210 है",
            "पचास लाख",
            "पुणे",
            "फ्लैट",
            "तीन महीने में",
            "शनिवार सुबह",
        ):
            await call.say(answer)
        how = await asyncio.wait_for(call.conversation.finished, 2)
        lead, entries = await call.lead(), await call.entries()
    assert how == "agent_finished"
    assert lead.complete
    assert lead.values["phone"] == "+919876543210"
    assert lead.values["name"] == "राहुल शर्मा"
    assert set(lead.values) == {
        *("name", "phone", "budget", "location", "property_type", "timeline", "visit_time")
    }
    assert lead.context.profile_version == call.call.profile_version
    first = next(entry for entry in entries if isinstance(entry, Turn))
    assert first.who == "agent"
    assert first.text.startswith("नमस्ते")
    assert first.language == "hi-IN"
    tools = [(entry.name, entry.fields) for entry in entries if isinstance(entry, ToolCall)]
    assert tools[0] == ("save_lead", ("name",))
    assert tools[-1] == ("end_call", ())
    assert [entry.revision for entry in entries if isinstance(entry, LeadRevision)] == [
        *range(1, 8)
    ]
    assert {"thinking", "speaking", "listening"} <= {
        entry.state for entry in entries if isinstance(entry, AgentState)
    }


async def test_the_goodbye_is_said_once(redis: Redis, config: AgentSettings) -> None:
    """The model thanks and ends in one message; a second reply would say goodbye again."""
    profile = Profile(
        id="short",
        language="hi-IN",
        qualification_questions=(),
        greeting="नमस्ते, आपका नाम?",
    )
    async with text_call(redis, config, profile=profile) as call:
        await call.say("मेरा नाम राहुल शर्मा है")
        await call.say("मेरा नंबर 9876543210 है")
        await asyncio.wait_for(call.conversation.finished, 2)
        turns = texts(await call.turns())
        lead = await call.lead()
    assert lead.complete
    assert len(turns) == len(set(turns))


async def test_several_answers_in_one_sentence_are_all_noted(
    redis: Redis, config: AgentSettings
) -> None:
    """People do not answer one question at a time."""
    async with text_call(redis, config) as call:
        await call.say("मेरा नाम राहुल शर्मा है और मेरा नंबर 9876543210 है")
        lead = await call.lead()
    assert lead.values == {"name": "राहुल शर्मा", "phone": "+919876543210"}


async def test_a_phone_number_that_cannot_be_right_is_asked_for_again(
    redis: Redis, config: AgentSettings
) -> None:
    """A lead with nine digits is a lead lost."""
    async with text_call(redis, config) as call:
        await call.say("मेरा नाम राहुल शर्मा है")
        await call.say("मेरा नंबर 98765432 है")
        assert "phone" not in (await call.lead()).values
        tools = [entry for entry in await call.entries() if isinstance(entry, ToolCall)]
        await call.say("मेरा नंबर 9876543210 है")
        lead = await call.lead()
    assert lead.values["phone"] == "+919876543210"
    assert all(tool.error != "invalid_phone" or not tool.ok for tool in tools)


async def test_the_profiles_own_questions_are_asked_and_a_name_and_number_with_them(
    redis: Redis, config: AgentSettings
) -> None:
    """Every profile works, not only the one that we ship; nobody can call back without a number."""
    profile = Profile(
        id="school",
        name="Sunrise School",
        language="en-IN",
        greeting="Hello, Sunrise School. How can I help?",
        qualification_questions=("Which class is it for?", "Which branch do you prefer?"),
    )
    async with text_call(redis, config, language="en-IN", profile=profile) as call:
        for said in ("Hello", "the fifth class", "Pune branch", "Asha Rao", "9876543210"):
            await call.say(said)
        lead, asked = await call.lead(), " ".join(texts(await call.turns()))
    assert "Which class is it for?" in asked
    assert set(lead.values) == {"q1", "q2", "name", "phone"}
    assert lead.complete


async def test_a_second_agent_goes_on_where_the_first_one_stopped(
    redis: Redis, config: AgentSettings
) -> None:
    """A caller whose agent died is not greeted again and not asked again."""
    said = [
        Turn(who="agent", text="नमस्ते! क्या मैं आपका नाम जान सकती हूँ?", language="hi-IN"),
        Turn(who="caller", text="मेरा नाम राहुल शर्मा है", language="hi-IN"),
    ]
    async with text_call(redis, config, earlier=Earlier(said, {"name": "राहुल शर्मा"})) as call:
        first = texts(await call.turns())
        await call.say("मेरा नंबर 9876543210 है")
        lead = await call.lead()
    assert first
    assert "नमस्ते" not in first[0]
    assert "मोबाइल" in first[-1]
    assert lead.values == {"phone": "+919876543210"}


async def test_typed_text_is_marked_and_answered(redis: Redis, config: AgentSettings) -> None:
    """Who types sees their own words in the transcript, as text that was typed."""
    async with text_call(redis, config) as call:
        await call.type("  मेरा नाम राहुल शर्मा है\n")
        turns, lead = await call.turns(), await call.lead()
    typed = [turn for turn in turns if turn.typed]
    assert [turn.text for turn in typed] == ["मेरा नाम राहुल शर्मा है"]
    assert lead.sources["name"] == "typed"


async def test_typed_text_waits_while_the_caller_speaks(
    redis: Redis, config: AgentSettings
) -> None:
    """Otherwise its answer sounds for a moment and is cut off by the spoken turn."""
    async with text_call(redis, config) as call:
        call.conversation.typed.caller(True)
        typing = asyncio.create_task(call.type("मेरा नाम राहुल शर्मा है"))
        await asyncio.sleep(0.05)  # an answer would come in less: the only way to see none
        assert not typing.done()
        assert not texts(await call.turns(), "caller")
        call.conversation.typed.caller(False)
        await typing
        assert texts(await call.turns(), "caller")


async def test_auto_detect_greets_in_the_profiles_language_and_follows_the_caller(
    redis: Redis, config: AgentSettings
) -> None:
    """An unknown language must not be treated as Hindi."""
    async with text_call(redis, config, language="unknown") as call:
        greeting = texts(await call.turns())[0]
        await call.type("என் பெயர் ராகுல் சர்மா")
        turns, lead = await call.turns(), await call.lead()
    assert greeting.startswith("नमस्ते")
    assert call.conversation.language.code == "ta-IN"
    assert lead.context.language == "ta-IN"
    assert turns[-1].language == "ta-IN"


async def test_a_loser_writes_nothing_more(redis: Redis, config: AgentSettings) -> None:
    """Two agents on one call would tell the page two stories."""
    async with text_call(redis, config) as call:
        await Calls(redis, source="agent").release(call.held)
        await Calls(redis, source="agent").take(call.call.id, "another")
        before = await call.entries()
        call.log.write(CallNotice(level="info", code="late", text="too late"))
        await asyncio.wait_for(call.log.lost.wait(), 2)
        assert await call.entries() == before


async def test_long_silence_is_answered_and_ends_the_call(
    redis: Redis, redis_url: str, stand_in: tuple[LlmStandIn, str]
) -> None:
    """A caller who has gone without hanging up must not hold a line for ever."""
    config = settings(redis_url, llm_base_url=stand_in[1]).model_copy(
        update={"silence_prompt": 0.2, "silence_hangup": 2}
    )
    async with text_call(redis, config) as call:
        how = await asyncio.wait_for(call.conversation.finished, 5)
        prompts = texts(await call.turns())
    assert how == "agent_finished"
    assert len(prompts) == 4, "the greeting, two questions, and goodbye"
