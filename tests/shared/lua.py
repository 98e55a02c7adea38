"""Running one script of the product alone, and what every script must say of itself."""

from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis

from shared.redis.scripts import load_script


async def run(redis: Redis, beside: str, name: str, keys: list[str], *args: Any) -> Any:
    """NAME.lua in the folder of the file `beside`, as its module calls it."""
    return await load_script(redis, beside, name)(keys=keys, args=list(args))


def undocumented(beside: str) -> list[str]:
    """Scripts in that folder whose first lines do not name their keys, arguments and answer."""
    scripts = sorted(Path(beside).parent.glob("*.lua"))
    assert scripts
    return [
        script.name
        for script in scripts
        if not all(
            f"-- {word} " in script.read_text("utf-8").partition("\nlocal ")[0]
            for word in ("KEYS", "ARGV", "Answer:")
        )
    ]


async def hash_of(redis: Redis, key: str) -> dict[str, str]:
    return cast("dict[str, str]", await redis.hgetall(key))


async def stream_of(redis: Redis, key: str) -> list[dict[str, str]]:
    """The fields of all entries, oldest first."""
    raw = cast("list[tuple[str, dict[str, str]]]", await redis.xrange(key))
    return [fields for _, fields in raw]
