"""The console in a browser: the key, the lists, a live call, and a dead letter sent again."""

from typing import Any

import pytest
from playwright.async_api import expect
from redis.asyncio import Redis

from shared.calls import Calls
from shared.calls.log import CallLog, Turn
from shared.deliveries import LEAD_CAPTURE
from shared.leads import LeadChange, Leads
from shared.redis import keys
from tests.page.conftest import Pages
from tests.page.screens import SCREENS, Screen, too_wide
from tests.shared.builders import lead_context, new_call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_the_console_asks_for_the_key(pages: Pages) -> None:
    """Leads must not show before it, and a wrong one must be said to be wrong."""
    page = await pages("/console", gateway_api_key="a-key-for-operators")
    field, console = page.get_by_label("Gateway API key"), page.locator("#console")
    await expect(field).to_be_focused()
    await expect(console).to_be_hidden()
    await field.fill("a-wrong-key")
    await field.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("That is not the key.")
    await field.fill("a-key-for-operators")
    await field.press("Enter")
    await expect(console).to_be_visible()
    await expect(field).to_be_hidden()


async def test_a_call_is_followed_as_it_goes(pages: Pages, redis: Redis) -> None:
    """Who supervises agents reads along while they talk."""
    calls = Calls(redis, source="test")
    new = new_call()
    await calls.open(new)
    page = await pages("/console")
    await page.get_by_role("button", name="Show the call of").click()
    log = page.get_by_role("log", name="Log of the call")
    await CallLog(redis).append(new.id, Turn(who="agent", text="नमस्ते", language="hi-IN"))
    await expect(log).to_contain_text("नमस्ते")
    await calls.end(await calls.get(new.id), "caller_hung_up")
    await expect(log).to_contain_text("caller_hung_up")
    await expect(page.locator("#calls")).to_contain_text("no lead")


async def test_a_dead_letter_is_sent_again_by_one_click(pages: Pages, redis: Redis) -> None:
    """N8N was down over the week-end: on Monday somebody has to get these leads out."""
    new = new_call()
    await Calls(redis, source="test").open(new)
    change = LeadChange(field="name", value="Asha", attempt=1, sequence=1)
    await Leads(redis, source="test").apply(lead_context(new), [change])
    fields: dict[Any, Any] = {"wanted": "1", "1:state": "dead", "call_id": ""}
    await redis.hset(keys.delivery(LEAD_CAPTURE, new.lead_id), mapping=fields)
    await redis.zadd(keys.deliveries_dead(LEAD_CAPTURE), {f"{new.lead_id}.1": 1})
    page = await pages("/console")
    await page.get_by_role("button", name="Not delivered").click()
    row = page.get_by_role("row", name="Asha")
    await expect(row).to_contain_text("not delivered")
    await row.get_by_role("button", name="Send again").click()
    await expect(page.get_by_text("No leads here.")).to_be_visible()
    await page.get_by_role("button", name="All", exact=True).click()
    await expect(row).to_contain_text("on its way to N8N")


@pytest.mark.parametrize("screen", SCREENS)
async def test_no_screen_scrolls_sideways(pages: Pages, redis: Redis, screen: Screen) -> None:
    """Who looks after calls from a telephone would have to search for the half of each row."""
    await Calls(redis, source="test").open(new_call())
    page = await pages("/console", context=screen)
    await page.get_by_role("button", name="Show the call of").click()
    assert await too_wide(page) <= 0
