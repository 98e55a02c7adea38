"""The word from N8N that a profile changed: believed with the token only, and once."""

import httpx
import pytest
from redis.asyncio import Redis

from shared.profiles import Profile, default_profile
from shared.redis import keys
from tests.gateway.conftest import Gateways, put_profile
from tests.gateway.profiles.fake_config import config_service
from tests.shared.builders import entries

TOKEN = {"Authorization": "Bearer a-token-for-n8n"}


CHANGED = "/api/webhooks/n8n/profile-changed"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer a-wrong-token"}])
async def test_n8n_has_to_know_the_token(gateways: Gateways, headers: dict[str, str]) -> None:
    """Anybody else could make us fetch without end."""
    client = await gateways(n8n_inbound_token="a-token-for-n8n")
    response = await client.post(CHANGED, json={"agent_id": "default"}, headers=headers)
    assert response.status_code == 401


async def test_nobody_may_while_no_token_is_set(client: httpx.AsyncClient) -> None:
    for headers in ({}, TOKEN, {"Authorization": "Bearer"}):
        response = await client.post(CHANGED, json={"agent_id": "default"}, headers=headers)
        assert response.status_code == 401


async def test_a_changed_profile_is_fetched_once_however_often_n8n_says_so(
    gateways: Gateways, redis: Redis
) -> None:
    """N8N repeats a call with the same key and another time-stamp in its body."""
    await put_profile(redis, default_profile())
    client = await gateways(n8n_inbound_token="a-token-for-n8n")
    headers = {**TOKEN, "Idempotency-Key": "change-1"}
    answers = []
    async with config_service(redis, Profile(id="default", name="Renamed")):
        for at in ("10:00", "10:01"):
            body = {"agent_id": "default", "at": at}
            response = await client.post(CHANGED, json=body, headers=headers)
            assert response.status_code == 200
            answers.append(response.json()["duplicate"])
    assert answers == [False, True]
    assert len(await entries(redis, keys.PROFILES_WANTED)) == 1
    name = (await client.get("/api/config/default")).json()["name"]
    assert name == "Renamed"
