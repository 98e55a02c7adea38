"""The terminal that `make run` was started in, and its end."""

import asyncio
import os
import sys

import pytest

from services.sandbox.run.terminal import show, wait_until_closed


async def test_a_closed_terminal_is_noticed() -> None:
    """Closing the window under `make run` must leave no process and no port behind."""
    master, terminal = os.openpty()
    try:
        noticing = asyncio.create_task(wait_until_closed(terminal, every=0.005))
        await asyncio.sleep(0)
        assert not noticing.done()
        os.close(master)
        await asyncio.wait_for(noticing, 5)
    finally:
        os.close(terminal)


class Gone:
    """What writing to a closed terminal does."""

    def write(self, _: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_has_gone_takes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last lines cannot be shown: the processes still have to be stopped."""
    monkeypatch.setattr(sys, "stdout", Gone())
    show("Stopping.")
