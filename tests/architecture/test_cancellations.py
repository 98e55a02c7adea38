"""A task is cancelled by the one helper that does it until it has worked."""

import ast

import pytest

from tests.architecture.cancellations import awaited_after_cancel
from tests.architecture.sources import ROOT, Source, read_tree

FOLDERS = ("deploy", "services", "shared", "tests")
THE_HELPER = "shared/runtime/tasks.py"


def test_no_task_is_cancelled_once_and_awaited() -> None:
    """In Python 3.11 a task that talks to Redis can swallow a cancellation: a service would not
    stop, and a test would hang, once in a hundred times."""
    found = {
        source.path: uses
        for source in read_tree(ROOT, *FOLDERS)
        if source.path != THE_HELPER and (uses := list(awaited_after_cancel(source)))
    }
    assert not found, f"end them with shared.runtime.tasks.cancel, or by an event: {found}"


@pytest.mark.parametrize(
    "code",
    [
        "task.cancel()\n    await task",
        "task.cancel()\n    await asyncio.gather(task, return_exceptions=True)",
        "task.cancel()\n    with suppress(CancelledError):\n        await task",
        "self._task.cancel()\n    await asyncio.wait([self._task])",
        "task.cancel()\n    await asyncio.wait_for(other, task)",
        "for each in tasks:\n        each.cancel()\n    await asyncio.gather(*tasks)",
        "for each in list(self.t):\n        each.cancel()\n    await asyncio.wait(self.t)",
        "for each in (a, *b.values()):\n        each.cancel()\n    await asyncio.gather(a)",
        "for x in (a, *b.values()):\n        x.cancel()\n    await asyncio.gather(*b.values())",
    ],
)
def test_each_kind_is_found(code: str) -> None:
    assert list(awaited_after_cancel(_function(code)))


@pytest.mark.parametrize(
    "code",
    [
        "task.cancel()\n    await other",
        "task.cancel()\n    await asyncio.wait([task], timeout=1)",
        "await task\n    timer.cancel()",
        "await cancel(task)\n    assert task.cancelled()",
        "await self.in_hand.cancel()\n    await self.in_hand.other()",
    ],
)
def test_what_ends_passes(code: str) -> None:
    """A check that cries at what is right is switched off."""
    assert not list(awaited_after_cancel(_function(code)))


def _function(body: str) -> Source:
    code = f"async def f():\n    {body}\n"
    return Source("services/x.py", "services.x", code, ast.parse(code))
