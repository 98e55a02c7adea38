"""What is wrong in a call, as the page shows it and takes it away again."""

import pytest
from playwright.async_api import expect
from redis.asyncio import Redis

from services.sandbox.livekit import DevServer
from shared.calls.log import AgentState, CallLog, CallNotice
from tests.page.conftest import Pages
from tests.page.stage import agent_in, start

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_no_agent_is_said_and_forgotten_when_one_comes(
    pages: Pages, redis: Redis, livekit: DevServer
) -> None:
    """A caller who hears nothing must know that it is not their microphone."""
    page = await pages()
    call_id = await start(page, redis)
    text = "No agent is free just now."
    await CallLog(redis).append(call_id, CallNotice(level="warning", code="agent_none", text=text))
    problems = page.locator("#problems")
    await expect(problems).to_contain_text(text)
    async with agent_in(livekit, redis, call_id) as agent:
        await agent.is_("listening")
        await expect(problems).not_to_contain_text(text)
        await expect(page.locator("#state")).to_have_text("Listening")


@pytest.mark.parametrize(
    ("raised", "cleared"),
    [
        ("llm_refused", "llm_well"),
        ("llm_trouble", "llm_well"),
        ("sarvam_stt_refused", "sarvam_stt_well"),
        ("sarvam_tts_trouble", "sarvam_tts_well"),
        ("not_saved", "not_saved"),
    ],
)
async def test_what_works_again_is_no_problem_any_more(
    pages: Pages, redis: Redis, raised: str, cleared: str
) -> None:
    """A warning that never goes away is not believed the next time."""
    page = await pages()
    call_id = await start(page, redis)
    log, problems = CallLog(redis), page.locator("#problems")
    for code in (raised, "other_trouble"):
        await log.append(call_id, CallNotice(level="warning", code=code, text=f"about {code}"))
        await expect(problems).to_contain_text(f"about {code}")
    await log.append(call_id, CallNotice(level="info", code=cleared, text="it works again"))
    await expect(problems).not_to_contain_text(f"about {raised}")
    await expect(problems).to_contain_text("about other_trouble")
    await expect(page.locator("#transcript")).to_contain_text("it works again")


@pytest.mark.parametrize("raised", ["llm_trouble", "sarvam_stt_refused", "not_saved", "agent_lost"])
async def test_what_an_agent_said_is_no_problem_of_the_next_one(
    pages: Pages, redis: Redis, raised: str
) -> None:
    """An agent that died never says that it is over: the next one would be thought ill, too."""
    page = await pages()
    call_id = await start(page, redis)
    log, problems = CallLog(redis), page.locator("#problems")
    await log.append(call_id, CallNotice(level="warning", code=raised, text="trouble of the first"))
    await expect(problems).to_contain_text("trouble of the first")
    await log.append(call_id, AgentState(state="joining"))
    await log.append(call_id, CallNotice(level="warning", code="llm_trouble", text="of the second"))
    await expect(problems).to_contain_text("of the second")
    await expect(problems).not_to_contain_text("trouble of the first")
