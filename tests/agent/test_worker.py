"""How many calls a worker takes."""

import pytest

from services.agent.worker import TARGET_LOAD, CallWorker, load_of
from tests.agent.calls import settings


@pytest.mark.parametrize("most", [1, 2, 3, 7, 10, 49, 500])
def test_a_worker_is_available_until_it_is_full(most: int) -> None:
    """LiveKit gives no job to a worker at 0.7, and asks nobody twice."""
    assert all(load_of(calls, most) < TARGET_LOAD for calls in range(most))
    assert load_of(most, most) == 1.0
    assert load_of(most + 1, most) == 1.0


def test_calls_that_are_accepted_but_not_begun_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two callers in the same moment: both are taken while there is room, and no third one."""
    worker = CallWorker(settings(max_calls=2))
    monkeypatch.setattr(worker, "calls", lambda: 0)
    worker._reserved_slots = 0
    assert worker._is_available()
    worker._reserved_slots = 1
    assert worker._is_available()
    worker._reserved_slots = 2
    assert not worker._is_available()


def test_a_worker_is_not_connected_before_it_has_registered() -> None:
    """The framework's own health says yes too early."""
    assert not CallWorker(settings()).connected
