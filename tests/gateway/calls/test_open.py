"""Opening a call, whoever calls: what a telephone will give, and what is chosen for it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.gateway.calls.open import CallRequest, open_call
from services.gateway.dependencies import Gateway
from shared.calls.log import CallNotice
from shared.errors import BolchaalError, Invalid, NotFound
from shared.profiles import default_profile
from shared.redis import keys
from tests.gateway.conftest import gateway_settings, open_test_gateway, put_profile
from tests.gateway.rooms import Rooms
from tests.shared.builders import entries


@pytest_asyncio.fixture
async def gateway(redis: Redis, redis_url: str, rooms: Rooms) -> AsyncIterator[Gateway]:
    await put_profile(redis, default_profile())
    async with open_test_gateway(gateway_settings(redis_url), rooms) as (gateway, _):
        yield gateway


async def test_a_telephones_call_is_opened_like_a_browsers(gateway: Gateway) -> None:
    """Who rings must get the same agent, in the room and under the name that SIP gave them."""
    request = CallRequest(
        agent_id="default",
        language="ta-IN",
        channel="phone",
        caller="+919812345678",
        room="call-sip-1",
        identity="sip_919812345678",
    )
    opened = await open_call(gateway, request)
    call = await gateway.calls.get(opened.id)
    assert (call.channel, call.caller) == ("phone", "+919812345678")
    assert (call.room, call.caller_identity) == ("call-sip-1", "sip_919812345678")
    assert (call.language, call.voice) == ("ta-IN", default_profile().voice)
    assert await gateway.calls.of_room("call-sip-1") == call.id


async def test_a_browsers_call_has_a_room_and_an_identity_of_its_own(gateway: Gateway) -> None:
    """Two callers of one name must not throw each other out of a room."""
    calls = [await open_call(gateway, CallRequest(agent_id="default")) for _ in range(2)]
    assert len({call.room for call in calls}) == 2
    assert len({call.caller_identity for call in calls}) == 2


async def test_a_room_that_has_a_call_is_refused(gateway: Gateway, redis: Redis) -> None:
    """A second call in one room would take the first one's agent and its lead."""
    request = CallRequest(agent_id="default", room="call-sip-1")
    first = await open_call(gateway, request)
    with pytest.raises(BolchaalError) as refusal:
        await open_call(gateway, request)
    assert refusal.value.status == 409
    assert await gateway.calls.of_room("call-sip-1") == first.id
    assert len(await entries(redis, keys.CALLS)) == 1


async def test_a_voice_that_does_not_exist_is_noted_in_the_calls_log(gateway: Gateway) -> None:
    """The page says so, instead of a wrong voice being replaced in silence."""
    call = await open_call(gateway, CallRequest(agent_id="default", voice="nobody"))
    [logged] = await gateway.call_log.read(call.id)
    assert isinstance(logged.entry, CallNotice)
    assert (logged.entry.code, call.voice) == ("voice_replaced", default_profile().voice)


def test_a_request_that_cannot_be_met_cannot_be_made() -> None:
    """It is refused before it counts against the caller's limit or opens anything."""
    with pytest.raises(NotFound):
        CallRequest(agent_id="../../etc")
    with pytest.raises(Invalid):
        CallRequest(agent_id="default", language="xx-IN")
