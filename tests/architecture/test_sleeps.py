"""Tests wait for what happens, or in virtual time; real sleeps are few, and each has its reason."""

import ast

import pytest

from tests.architecture.sleeps import unexplained_sleeps
from tests.architecture.sources import ROOT, Source, read_tree


def test_a_real_sleep_has_its_reason_on_its_line() -> None:
    """A test that sleeps is slow when it is right and fails by chance on a busy machine."""
    found = {
        source.path: lines
        for source in read_tree(ROOT, "tests")
        if (lines := list(unexplained_sleeps(source)))
    }
    assert not found, f"use tests/virtual_time.py or tests/waiting.py, or say why not: {found}"


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.sleep(1)",
        "import asyncio\nasync def f():\n    await asyncio.sleep(0.1)",
        "from asyncio import sleep as rest\nasync def f():\n    await rest(5)",
        "import time\nwait = time.sleep",
    ],
)
def test_a_sleep_is_found(code: str) -> None:
    assert list(unexplained_sleeps(_source(code)))


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.sleep(1)  # a process of another program has no event to wait for",
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)",
        "import asyncio\n@in_virtual_time\nasync def test_x():\n    await asyncio.sleep(60)",
    ],
)
def test_what_is_explained_or_takes_no_time_passes(code: str) -> None:
    assert not list(unexplained_sleeps(_source(code)))


def _source(code: str) -> Source:
    return Source("tests/x.py", "tests.x", code, ast.parse(code))
