"""Times come from shared/clock.py, so that a test can set them."""

import ast

import pytest

from tests.architecture.direct_time import direct_times
from tests.architecture.sources import Source, product_sources

THE_CLOCK = "shared/clock.py"
STAND_INS = "services/sandbox/"


def test_product_code_asks_the_clock_that_it_was_given() -> None:
    """What reads the machine's clock can be tested by waiting only, and then is not tested."""
    found = {
        source.path: uses
        for source in product_sources()
        if source.path != THE_CLOCK and not source.path.startswith(STAND_INS)
        if (uses := list(direct_times(source)))
    }
    assert not found, found


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import time\ntime.monotonic()", "time.monotonic"),
        ("import time as t\nt.time_ns()", "time.time_ns"),
        ("from time import perf_counter as pc\nx = pc", "time.perf_counter"),
        ("import datetime\ndatetime.datetime.now(datetime.UTC)", "datetime.datetime.now"),
        ("import datetime as dt\ndt.date.today()", "datetime.date.today"),
        ("from datetime import datetime as D\nD.utcnow()", "datetime.datetime.utcnow"),
        ("import asyncio\nasync def f():\n    await asyncio.sleep(1)", "asyncio.sleep"),
        ("def f():\n    from asyncio import sleep as wait\n    wait(1)", "asyncio.sleep"),
        ("import time\ndef f(clock=time.time): ...", "time.time"),
    ],
)
def test_direct_uses_are_found(code: str, name: str) -> None:
    """A clock under another name, or handed on as a default, is the machine's clock still."""
    assert [found for _, found in direct_times(_source(code))] == [name]


@pytest.mark.parametrize(
    "code",
    [
        "import asyncio\nasync def f():\n    async with asyncio.timeout(1): ...",
        "from shared.clock import SYSTEM_CLOCK\nSYSTEM_CLOCK.monotonic()",
        "class C:\n    def f(self):\n        self.time.sleep(1)",
        "time = object()\ntime.sleep(1)",
    ],
)
def test_other_names_pass(code: str) -> None:
    """A check that cries at what is right is switched off."""
    assert not list(direct_times(_source(code)))


def _source(code: str) -> Source:
    return Source("services/x.py", "services.x", code, ast.parse(code))
