"""The real config service with a real n8n."""

import httpx
import pytest
from redis.asyncio import Redis

from shared.bus import Bus
from shared.errors import NotFound
from shared.profiles import ProfileReader
from tests.service import Service


async def test_a_profile_comes_from_the_table(
    redis: Redis, config: Service, client: httpx.AsyncClient
) -> None:
    """What a person writes into n8n's table is what the agent says."""
    await client.post(
        "/webhook/test-row",
        json={
            "agent_id": "school",
            "name": "Vidya",
            "language": "ta-IN",
            "greeting": "வணக்கம்",
            "qualification_questions": "எந்தப் பாடம்?\nஎப்போது?",
            "lead_fields": '[{"key": "fee", "type": "money", "question": "கட்டணம்?"}]',
        },
    )
    async with ProfileReader(redis, Bus(redis, source="test").publish, timeout=10) as reader:
        profile = (await reader.get("school")).profile
        assert (profile.name, profile.language, profile.greeting) == ("Vidya", "ta-IN", "வணக்கம்")
        assert [question.question for question in profile.questions()] == [
            *("எந்தப் பாடம்?", "எப்போது?", "கட்டணம்?")
        ]
        await client.post("/webhook/test-row", json={"agent_id": "school", "name": "Changed"})
        await reader.invalidate("school")
        assert (await reader.get("school")).profile.name == "Changed"


async def test_an_agent_without_a_row_is_unknown_and_default_is_ours(
    redis: Redis, config: Service
) -> None:
    """A caller of a mistyped agent hears nobody else's greeting."""
    async with ProfileReader(redis, Bus(redis, source="test").publish, timeout=10) as reader:
        with pytest.raises(NotFound):
            await reader.get("nobody")
        assert (await reader.get("default")).profile.translations
