"""Profiles over HTTP: the predecessor's routes, and the word from N8N."""

import httpx
import pytest
from redis.asyncio import Redis

from shared.locales.registry import LANGUAGES
from shared.profiles import Profile, default_profile
from shared.redis import keys
from shared.voices import VOICES
from tests.gateway.conftest import put_profile
from tests.gateway.profiles.fake_config import config_service
from tests.shared.builders import entries


async def test_config_answers_the_profile_as_n8n_gave_it(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """Pages of the predecessor show these fields; plain questions stay plain."""
    await put_profile(
        redis,
        Profile(id="school", name="School", qualification_questions=("Which class?",)),
    )
    answer = (await client.get("/api/config/school")).json()
    assert answer["id"] == "school"
    assert answer["qualification_questions"] == ["Which class?"]
    assert {
        "name",
        "language",
        "voice",
        "system_prompt",
        "greeting",
        "transfer_keywords",
        "fallback_message",
    } <= set(answer)


async def test_invalidating_brings_the_new_profile(client: httpx.AsyncClient, redis: Redis) -> None:
    """Who presses "refresh" in N8N expects the next call to use what is new."""
    assert (await client.get("/api/config/default")).json()["name"] == default_profile().name
    async with config_service(redis, Profile(id="default", name="Renamed")):
        response = await client.post("/api/invalidate-cache?agent_id=default")
        assert response.json() == {"status": "invalidated", "agent_id": "default"}
        assert (await client.get("/api/config/default")).json()["name"] == "Renamed"


async def test_invalidating_all_names_every_known_profile(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    await put_profile(redis, Profile(id="school"))
    response = await client.post("/api/invalidate-cache")
    assert response.status_code == 200
    assert response.json() == {"status": "invalidated", "agent_id": "all"}
    wished = [fields["data"] for fields in await entries(redis, keys.PROFILES_WANTED)]
    assert len(wished) == 2
    assert all('"fresh":true' in data for data in wished)


async def test_invalidating_with_config_away_answers_and_keeps_the_last_good_one(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post("/api/invalidate-cache?agent_id=default")
    assert response.status_code == 200
    assert (await client.get("/api/config/default")).status_code == 200


async def test_languages_and_the_voices_of_the_model(client: httpx.AsyncClient) -> None:
    """The page and the predecessor's clients fill their lists from it."""
    answer = (await client.get("/api/languages")).json()
    assert set(answer) == {"languages", "voices"}
    assert [each["code"] for each in answer["languages"]] == list(LANGUAGES)
    assert [each["id"] for each in answer["voices"]] == list(VOICES["bulbul:v3"])


@pytest.mark.parametrize("agent_id", ["no such", "-", "a" * 65, "%2e%2e"])
async def test_an_impossible_agent_is_404_or_422(client: httpx.AsyncClient, agent_id: str) -> None:
    assert (await client.get(f"/api/config/{agent_id}")).status_code == 404
    response = await client.post("/api/invalidate-cache", params={"agent_id": agent_id})
    assert response.status_code in (404, 422)
    assert "code" in response.json()["error"]
