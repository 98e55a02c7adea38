"""Calls for operators, and for the browser that opened one."""

import httpx
import pytest
from redis.asyncio import Redis

from shared.calls.log import CallLog
from shared.profiles import default_profile
from tests.gateway.conftest import Gateways, put_profile
from tests.gateway.given import NOBODYS, OPERATOR, opened, turn


async def test_the_api_key_reads_every_call(gateways: Gateways, redis: Redis) -> None:
    await put_profile(redis, default_profile())
    client = await gateways(gateway_api_key="a-key-for-operators")
    call_id = (await opened(client))["callId"]
    client.cookies.clear()
    assert (await client.get(f"/api/calls/{call_id}", headers=OPERATOR)).status_code == 200
    assert (await client.get(f"/api/calls/{call_id}")).status_code == 401


async def test_details_say_what_will_be_asked(client: httpx.AsyncClient) -> None:
    """The lead card shows the open questions, in the language of the call, contact included."""
    call_id = (await opened(client, language="ta-IN"))["callId"]
    details = (await client.get(f"/api/calls/{call_id}")).json()
    assert details["language"] == "ta-IN"
    keys = [question["key"] for question in details["questions"]]
    assert {"name", "phone", "budget"} <= set(keys)
    assert len(keys) == len(set(keys))
    budget = next(each for each in details["questions"] if each["key"] == "budget")
    assert any("\u0b80" <= letter <= "\u0bff" for letter in budget["question"])


async def test_operators_see_calls_newest_first_and_one_with_its_log(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """The console's list, and one call as it went."""
    first, second = (await opened(client))["callId"], (await opened(client))["callId"]
    await CallLog(redis).append(first, turn("नमस्ते"))
    listed = (await client.get("/api/v1/calls")).json()["calls"]
    assert [call["call_id"] for call in listed] == [second, first]
    assert (await client.get("/api/v1/calls?limit=1")).json()["calls"] == listed[:1]
    one = (await client.get(f"/api/v1/calls/{first}")).json()
    assert one["call"]["state"] == "requested"
    assert [entry["text"] for entry in one["log"]] == ["नमस्ते"]


@pytest.mark.parametrize("call_id", [NOBODYS, "no-uuid"])
async def test_an_unknown_call_is_404(client: httpx.AsyncClient, call_id: str) -> None:
    for path in (f"/api/v1/calls/{call_id}", f"/api/v1/calls/{call_id}/events"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "unknown_call"
