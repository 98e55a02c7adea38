"""The call page in a browser: what somebody sees and can do, from Start to the delivered lead."""

import asyncio
import base64
import io
import json
import math
import re
import wave
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit import rtc
from playwright.async_api import expect
from redis.asyncio import Redis

from services.sandbox.livekit import DevServer
from shared.calls import Calls
from shared.calls.log import CallLog, DeliveryUpdate
from shared.deliveries import LEAD_CAPTURE
from tests.page.conftest import Pages
from tests.page.screens import SCREENS, Screen, too_wide
from tests.page.stage import agent_in, start
from tests.valkey import free_port
from tests.waiting import until

# One browser for all: starting it takes longer than most of what it shows.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def _beep() -> str:
    """0.3 s of a quiet tone as a base64 WAV, PCM16 mono at 48 kHz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(48_000)
        tone = (int(3_000 * math.sin(n * 0.06)) for n in range(14_400))
        wav.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in tone))
    return base64.b64encode(out.getvalue()).decode()


BEEP = _beep()


async def test_a_call_from_start_to_the_delivered_lead(
    pages: Pages, redis: Redis, livekit: DevServer
) -> None:
    """The whole of what the page is for: choose, talk, see both sides and the lead, hang up."""
    page = await pages()
    call_id = await start(page, redis, language="ta-IN", voice="kavya", your_name="Asha")
    call = await Calls(redis, source="test").get(call_id)
    assert (call.language, call.voice, call.user_name) == ("ta-IN", "kavya", "Asha")
    state, transcript = page.locator("#state"), page.get_by_role("log", name="Transcript")
    lead_state = page.locator("#lead-state")
    async with agent_in(livekit, redis, call_id) as agent:
        await agent.is_("speaking")
        await expect(state).to_have_text("Speaking")

        await agent.says("வணக்கம், உங்கள்", "SG_1")
        live = transcript.locator(".turn.agent.live .text")
        await expect(live).to_have_text("வணக்கம், உங்கள்")
        await agent.turn("agent", "வணக்கம், உங்கள் பெயர் என்ன?")
        await agent.turn("caller", "என் பெயர் ஆஷா")
        await expect(live).to_have_count(0)
        said = transcript.locator(".turn .text")
        await expect(said).to_have_text(["வணக்கம், உங்கள் பெயர் என்ன?", "என் பெயர் ஆஷா"])
        assert await said.first.get_attribute("lang") == "ta"

        # What goes to another webhook is not the lead's, not even before there is one.
        elsewhere = DeliveryUpdate(
            destination="call-started", subject=call_id, revision=1, state="acknowledged"
        )
        await CallLog(redis).append(call_id, elsewhere)
        budget = page.locator('[data-key="budget"]')
        await expect(budget).to_contain_text("not yet asked")
        revision = await agent.captures(name="Asha", budget="80 லட்சம்")
        await expect(budget).to_contain_text("80 லட்சம்")
        await expect(lead_state).to_have_text("captured")
        await expect(page.locator("#deliveries li")).to_have_count(0)
        await CallLog(redis).append(
            call_id,
            DeliveryUpdate(
                destination=LEAD_CAPTURE,
                subject=call.lead_id,
                revision=revision,
                state="acknowledged",
                status=200,
                answer='{"status":"accepted"}',
            ),
        )
        await expect(lead_state).to_have_text("delivered to N8N")
        await expect(page.locator("#deliveries")).to_contain_text("accepted")

        await page.get_by_role("button", name="End call").click()
        await expect(state).to_have_text("The call is over")

        async def caller_gone() -> bool:
            return not agent.room.remote_participants

        await until(caller_gone)
    await expect(page.get_by_role("button", name="Start another call")).to_be_enabled()


async def test_typing_reaches_the_agent(pages: Pages, redis: Redis, livekit: DevServer) -> None:
    """Without a microphone, or in an open-plan office, one types."""
    page = await pages()
    call_id = await start(page, redis)
    async with agent_in(livekit, redis, call_id) as agent:
        chat = agent.chat()
        await page.get_by_label("Type a message to the agent").fill("मेरा बजट ८० लाख है")
        await page.get_by_role("button", name="Send").click()
        async with asyncio.timeout(5):
            assert await chat.next() == "मेरा बजट ८० लाख है"
        said = page.get_by_role("log", name="Transcript").locator(".turn.caller .text")
        await expect(said).to_have_text("मेरा बजट ८० लाख है")
        await agent.turn("caller", "मेरा बजट ८० लाख है", typed=True)
        await expect(page.locator(".turn.caller")).to_contain_text("typed")
        await expect(said).to_have_count(1)


async def test_mute_mutes_at_the_agents_end(pages: Pages, redis: Redis, livekit: DevServer) -> None:
    """A mute button that only looks pressed would send a private conversation."""
    page = await pages()
    call_id = await start(page, redis)
    async with agent_in(livekit, redis, call_id) as agent:

        async def caller_track() -> rtc.RemoteTrackPublication | None:
            tracks = [
                track
                for caller in agent.room.remote_participants.values()
                for track in caller.track_publications.values()
            ]
            return tracks[0] if tracks else None

        async def track_is(muted: bool) -> bool:
            track = await caller_track()
            return track is not None and track.muted is muted

        await until(caller_track)
        mute = page.locator("#mute")
        for label, muted in (("Unmute", True), ("Mute", False)):
            await mute.click()
            await expect(mute).to_have_text(label)
            await expect(mute).to_have_attribute("aria-pressed", str(muted).lower())

            await until(partial(track_is, muted))


async def test_a_call_that_the_agent_ends_is_over_on_the_page(pages: Pages, redis: Redis) -> None:
    page = await pages()
    call_id = await start(page, redis)
    calls = Calls(redis, source="test")
    await calls.end(await calls.get(call_id), "agent_finished")
    await expect(page.locator("#transcript")).to_contain_text("The agent ended the call.")
    await expect(page.locator("#state")).to_have_text("The call is over")


async def test_a_refused_start_says_why_and_can_be_tried_again(pages: Pages, redis: Redis) -> None:
    """A wrong agent id is a typing mistake, not the end of the page."""
    page = await pages()
    await page.get_by_label("Agent", exact=True).fill("no agent")
    await page.get_by_role("button", name="Start call").click()
    await expect(page.get_by_role("alert")).to_contain_text("no agent 'no agent'")
    await page.get_by_label("Agent", exact=True).fill("default")
    await page.get_by_role("button", name="Start another call").click()
    await expect(page.locator("main")).to_have_attribute("data-phase", "connected")
    await expect(page.get_by_role("alert")).to_be_hidden()


async def test_an_absent_voice_server_is_named(pages: Pages) -> None:
    """Nobody should have to read a browser's console to learn this."""
    page = await pages(livekit_public_url=f"ws://127.0.0.1:{free_port()}")
    await page.get_by_role("button", name="Start call").click()
    await expect(page.get_by_role("alert")).to_contain_text("The voice server cannot be reached")


async def test_what_is_wrong_with_the_services_is_on_the_page(pages: Pages) -> None:
    page = await pages()
    await expect(page.locator("#problems")).to_contain_text("no agent is running")


async def test_without_a_microphone_one_can_type(
    pages: Pages, redis: Redis, livekit: DevServer
) -> None:
    page = await pages()
    await page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () =>"
        " { throw new DOMException('no', 'NotFoundError'); }; }"
    )
    await start(page, redis)
    await expect(page.locator("#problems")).to_contain_text("No microphone was found")
    await expect(page.get_by_label("Type a message to the agent")).to_be_enabled()


async def test_the_simulated_caller_answers_when_the_agent_listens(
    pages: Pages, redis: Redis, livekit: DevServer
) -> None:
    """One click, and a call can be seen without a microphone that anybody understands."""
    asked: list[dict[str, object]] = []

    async def answer(request: web.Request) -> web.Response:
        headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
        if request.method == "OPTIONS":
            return web.Response(headers=headers)
        asked.append(json.loads(await request.text()))
        done = len(asked) > 1
        body = {"text": None if done else "मेरा नाम आशा है", "done": done, "wav": BEEP}
        return web.json_response(body, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/next", answer)
    async with TestServer(app) as caller:
        page = await pages(caller_url=str(caller.make_url("")))
        call_id = await start(page, redis)
        async with agent_in(livekit, redis, call_id) as agent:
            await agent.turn("agent", "आपका नाम?")
            await expect(page.locator(".turn.agent")).to_have_count(1)
            await page.get_by_role("button", name="Let the simulated caller speak").click()
            await agent.is_("speaking")
            await expect(page.locator("#state")).to_have_text("Speaking")
            note = page.locator("#caller-note")
            assert asked == []
            await agent.is_("listening")
            await expect(note).to_have_text("Saying: मेरा नाम आशा है")
            await expect(note).to_have_text("Waiting for the agent.")
            assert asked[0]["agent_said"] == ["आपका नाम?"]
            assert asked[0]["call_id"] == call_id
            await agent.is_("speaking")
            await expect(page.locator("#state")).to_have_text("Speaking")
            await agent.is_("listening")
            await expect(note).to_have_text("The simulated caller has nothing more to say.")
            assert asked[1]["caller_said"] == ["मेरा नाम आशा है"]
            button = page.get_by_role("button", name="Let the simulated caller speak")
            await expect(button).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("screen", SCREENS)
async def test_every_screen_shows_everything_without_sideways_scrolling(
    pages: Pages, redis: Redis, screen: Screen
) -> None:
    """Half of the callers hold a telephone."""
    page = await pages(context=screen)
    await start(page, redis, language="ml-IN")
    assert await too_wide(page) <= 0
    for name in ("Mute", "End call", "Send"):
        await expect(page.get_by_role("button", name=name)).to_be_visible()


async def test_every_control_has_a_name(pages: Pages, redis: Redis) -> None:
    """A screen reader says nothing about a control without one."""
    page = await pages(caller_url="http://127.0.0.1:1", simulated="sarvam")
    await start(page, redis)
    tree = await page.locator("body").aria_snapshot()
    assert not re.search(r"- (button|textbox|combobox|progressbar)(:| \[|$)", tree, re.MULTILINE)
