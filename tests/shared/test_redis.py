"""Connecting to Redis: what is waited for, and what nobody should wait for."""

import pytest

from shared.errors import SettingsError
from shared.redis.client import wait_for


async def test_a_refused_password_is_said_and_not_waited_for(redis_url: str) -> None:
    """An operator who mistyped it would look at "waiting for Redis" for ever."""
    wrong = redis_url.replace("redis://", "redis://nobody:not-the-password@")
    with pytest.raises(SettingsError) as caught:
        await wait_for(wrong, timeout=5)
    assert caught.value.message.startswith("REDIS_URL: ")
    assert "not-the-password" not in caught.value.message
