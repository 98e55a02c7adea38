"""Noting values: what a caller mentions beyond the questions, and what is no value at all."""

from typing import Any

import pytest
from redis.asyncio import Redis

from services.agent.lead.recorder import MOST_EXTRA, LeadRecorder
from services.agent.settings import AgentSettings
from shared.calls import Calls
from shared.calls.log import CallNotice
from shared.errors import Invalid, Unavailable
from shared.leads import Leads
from tests.agent.calls import open_call, settings


async def recorder_of(
    redis: Redis, redis_url: str, sink: Any = None, notices: list[CallNotice] | None = None
) -> LeadRecorder:
    config: AgentSettings = settings(redis_url)
    call = await open_call(redis)
    held = await Calls(redis, source="test").take(call.id, "test")
    localised = call.profile.localised(call.language, config.default_language)
    return LeadRecorder(
        sink or Leads(redis, source="test"),
        call,
        held,
        localised,
        (notices if notices is not None else []).append,
    )


async def test_a_field_that_the_profile_does_not_have_goes_under_extra(
    redis: Redis, redis_url: str
) -> None:
    """A model that notes more than it was told to must not lose it, nor make it a field."""
    recorder = await recorder_of(redis, redis_url)
    assert recorder.takes("pet_name")
    await recorder.save("pet_name", "Moti", "caller")
    [lead] = await Leads(redis, source="test").latest()
    assert (lead.values, lead.extra) == ({}, {"pet_name": "Moti"})


async def test_invented_fields_have_a_limit(redis: Redis, redis_url: str) -> None:
    recorder = await recorder_of(redis, redis_url)
    assert not recorder.takes("Not A Key!")
    assert all(recorder.takes(f"extra_{number}") for number in range(MOST_EXTRA))
    assert not recorder.takes("one_more")
    assert recorder.takes("extra_0")


async def test_a_stand_in_word_makes_no_lead_complete(redis: Redis, redis_url: str) -> None:
    """Whoever calls back would ask for Mr. Unknown."""
    recorder = await recorder_of(redis, redis_url)
    for key in ("name", "budget", "email", "pet_name"):
        assert recorder.takes(key)
        with pytest.raises(Invalid, match="ask for it") as refused:
            await recorder.save(key, "unknown", "caller")
        assert refused.value.code == "placeholder"
    assert await Leads(redis, source="test").latest() == []


async def test_that_values_are_saved_again_is_said_once(redis: Redis, redis_url: str) -> None:
    """The page would go on saying that a value could not be saved."""
    leads, answers = Leads(redis, source="test"), [TimeoutError(), None, None]

    class Sink:
        async def apply(self, *given: Any) -> Any:
            if error := answers.pop(0):
                raise error
            return await leads.apply(*given)

    notices: list[CallNotice] = []
    recorder = await recorder_of(redis, redis_url, Sink(), notices)
    with pytest.raises(Unavailable, match="not saved"):
        await recorder.save("name", "Rahul", "caller")
    for name in ("Rahul", "Rahul Sharma"):
        await recorder.save("name", name, "caller")
    assert [(each.code, each.level) for each in notices] == [
        ("not_saved", "error"),
        ("not_saved", "info"),
    ]
