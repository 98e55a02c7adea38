"""An event loop whose clock jumps to the next timer when nothing is left to do.

A conversation of thirty seconds runs in a millisecond, and always in the same way:

    @in_virtual_time
    async def test_the_second_prompt_comes_after_ten_seconds() -> None:
        ...
        await asyncio.sleep(10)         # returns at once; every clock says that ten seconds passed

time.time, time.monotonic, time.perf_counter and their _ns kin follow the loop, and so does
shared.clock. For logic alone: nothing that waits for a socket, a thread or a process can be inside,
since real things take real time. The loop refuses them, and says so when all tasks wait for ever.
"""

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, ParamSpec
from unittest.mock import patch

P = ParamSpec("P")

START = 1_800_000_000.0  # seconds since 1970 at which every such test begins: 15 January 2027


class NothingWillHappen(RuntimeError):
    """Every task waits for something that no timer will bring."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: when no file is ready, it moves the loop's clock by the time-out instead."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise NothingWillHappen("all tasks wait, and no timer is set")
        self.loop.advance(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop of one test. `elapsed` is in seconds since its beginning."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        selector.loop = self
        self.elapsed = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Moves the clock; a little further than asked, so that rounding leaves no timer behind."""
        if seconds > 0:
            self.elapsed += seconds + 1e-9

    def run_in_executor(self, *_: Any) -> Any:  # type: ignore[override] # refuses whatever it is
        raise RuntimeError("a thread takes real time: not inside virtual time")

    async def create_connection(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("a connection takes real time: not inside virtual time")

    async def create_server(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("a server takes real time: not inside virtual time")

    async def subprocess_exec(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("a process takes real time: not inside virtual time")


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs an async test in a VirtualTimeLoop of its own. Async fixtures cannot be used with it."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        loop = VirtualTimeLoop()
        clocks: dict[str, Any] = {
            "time": lambda: START + loop.elapsed,
            "time_ns": lambda: int((START + loop.elapsed) * 1e9),
            "monotonic": lambda: loop.elapsed,
            "monotonic_ns": lambda: int(loop.elapsed * 1e9),
            "perf_counter": lambda: loop.elapsed,
            "perf_counter_ns": lambda: int(loop.elapsed * 1e9),
        }
        with patch.multiple(time, **clocks), asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(test(*args, **kwargs))

    return run
