"""Talking over the agent, with voices: what stops it and what does not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.sandbox.speech import Speaker
from shared.calls.log import CallEnd, LeadRevision, Turn
from shared.profiles.model import Profile
from shared.redis import keys
from tests.agent.rooms.world import PATIENCE_S, Caller, Workers, World, world
from tests.sandbox.sarvam.running import running
from tests.valkey import Valkey

pytestmark = [pytest.mark.call, pytest.mark.asyncio(loop_scope="module")]

TALKATIVE = Profile(
    id="talkative",
    language="hi-IN",
    greeting="नमस्ते! मैं आपके लिए सही घर ढूँढने में मदद करूँगी, चाहे वह शहर में हो या गाँव में।"
    " क्या मैं आपका नाम जान सकती हूँ?",
    qualification_questions=("आप किस इलाके में घर देख रहे हैं?",),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def spoken(
    valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, Speaker]]:
    async with (
        world(valkey.url, tmp_path_factory.mktemp("spool")) as around,
        running() as sarvam,
    ):
        workers = Workers(around, SARVAM_BASE_URL=sarvam.ws)
        await workers.one()
        yield around, sarvam.speaker
        await workers.end()


async def states(around: World, call_id: str) -> list[str]:
    entries: Any = await around.redis.xrange(keys.call_log(call_id))
    return [fields["data"] for _, fields in entries if fields["type"] == "state"]


async def test_a_haan_pauses_the_agent_and_a_sentence_stops_it(
    spoken: tuple[World, Speaker],
) -> None:
    """Listeners say "haan" all the time: an agent that stops at each is unbearable, and one that
    does not stop for a sentence is rude.
    """
    around, speaker = spoken
    call = await around.open(profile=TALKATIVE)
    listening = await speaker.say("हाँ", "hi-IN")
    sentence = await speaker.say("मेरा नाम राहुल शर्मा है", "hi-IN")
    caller = Caller(around, call)
    await caller.join()
    microphone = await caller.pick_up()
    await asyncio.wait_for(caller.heard.wait(), PATIENCE_S)
    await microphone.say(listening.pcm)
    greeted = await around.entry(call, lambda each: isinstance(each, Turn))
    assert isinstance(greeted, Turn)
    assert (greeted.who, greeted.interrupted) == ("agent", False)
    assert greeted.text.endswith("क्या मैं आपका नाम जान सकती हूँ?")
    assert sum('"speaking"' in state for state in await states(around, call.id)) == 2

    await caller.type("नमस्ते")
    answered = asyncio.create_task(
        around.entry(call, lambda each: isinstance(each, Turn) and each.interrupted)
    )
    await around.entry(call, lambda each: isinstance(each, Turn) and each.typed)
    caller.heard.clear()
    await asyncio.wait_for(caller.heard.wait(), PATIENCE_S)
    await microphone.say(sentence.pcm)
    cut = await answered
    noted = await around.entry(call, lambda each: isinstance(each, LeadRevision))
    await caller.leave()
    await around.entry(call, lambda each: isinstance(each, CallEnd))
    assert isinstance(cut, Turn)
    assert cut.who == "agent"
    assert isinstance(noted, LeadRevision)
    assert noted.changed == {"name": "राहुल शर्मा"}
