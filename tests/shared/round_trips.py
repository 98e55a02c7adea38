"""Counting how often Redis is asked: a pipeline is one round trip, whatever is in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection


@dataclass
class Counted:
    trips: int = 0


@contextmanager
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    """Of every client of this process, while the block runs."""
    counted, send = Counted(), AbstractConnection.send_packed_command

    async def counting(self: AbstractConnection, *args: Any, **kwargs: Any) -> None:
        counted.trips += 1
        await send(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "send_packed_command", counting)
        yield counted
