"""What a caller mentions beyond the profile's questions."""

from redis.asyncio import Redis

from services.agent.call.log_writer import TurnLog
from services.agent.lead.tools import MOST_EXTRA, LeadBook
from services.agent.settings import AgentSettings
from shared.calls import Calls
from shared.calls.log import CallLog
from shared.leads import Leads
from tests.agent.calls import open_call, settings


async def book_of(redis: Redis, redis_url: str) -> LeadBook:
    config: AgentSettings = settings(redis_url)
    call = await open_call(redis)
    held = await Calls(redis, source="test").take(call.id, "test")
    localised = call.profile.localised(call.language, config.default_language)
    log = TurnLog(CallLog(redis), held)
    return LeadBook(Leads(redis, source="test"), call, held.attempt, localised, log)


async def test_a_field_that_the_profile_does_not_have_goes_under_extra(
    redis: Redis, redis_url: str
) -> None:
    """A model that notes more than it was told to must not lose it, nor make it a field."""
    book = await book_of(redis, redis_url)
    assert book.takes("pet_name")
    await book.save("pet_name", "Moti", "caller")
    [lead] = await Leads(redis, source="test").latest()
    assert (lead.data()["fields"], lead.data()["extra"]) == ({}, {"pet_name": "Moti"})


async def test_invented_fields_have_a_limit(redis: Redis, redis_url: str) -> None:
    book = await book_of(redis, redis_url)
    assert not book.takes("Not A Key!")
    assert all(book.takes(f"extra_{number}") for number in range(MOST_EXTRA))
    assert not book.takes("one_more")
    assert book.takes("extra_0")
