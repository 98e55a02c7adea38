"""Lua scripts: each in a file of its own beside the module that calls it, loaded once.

A script begins with comments that name its KEYS, its ARGV and its answer. The prelude (prelude.lua)
comes before each: `now_ms()` and `emit()`.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

PRELUDE = Path(__file__).with_name("prelude.lua")


def load_script(redis: Redis, beside: str, name: str, *libraries: str) -> AsyncScript:
    """The script in NAME.lua beside the file `beside` (a module's `__file__`).

    `libraries` are other .lua files in that folder whose functions it uses, in order.
    """
    return redis.register_script(script_text(beside, name, *libraries))


@cache
def script_text(beside: str, name: str, *libraries: str) -> str:
    """What Redis is sent: the prelude, the libraries, the script."""
    folder = Path(beside).parent
    parts = [PRELUDE, *(folder / f"{each}.lua" for each in (*libraries, name))]
    return "\n".join(part.read_text("utf-8") for part in parts)


def flat(fields: Mapping[str, str]) -> list[str]:
    """{name: value} as [name, value, ...]: how XADD and scripts take fields."""
    return [part for pair in fields.items() for part in pair]


def pairs(flat_: Sequence[str]) -> dict[str, str]:
    """[name, value, ...] as {name: value}: how scripts answer fields."""
    return dict(zip(flat_[::2], flat_[1::2], strict=True))
