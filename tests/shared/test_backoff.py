"""Pauses between tries."""

import pytest

from shared.backoff import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    """Tries without growing pauses overload what is already in trouble."""
    backoff = Backoff(first=1, longest=60, uniform=lambda _, high: high)
    assert [backoff.delay(tries) for tries in (1, 2, 3, 7, 20, 10_000)] == [1, 2, 4, 60, 60, 60]


@pytest.mark.parametrize(("jitter", "low", "high"), [((0.5, 1.0), 2, 4), ((1.0, 1.5), 4, 6)])
def test_jitter_spreads_each_pause(jitter: tuple[float, float], low: float, high: float) -> None:
    """All replicas would come back in the same moment."""
    assert Backoff(1, 60, jitter, uniform=lambda low, _: low).delay(3) == low
    assert Backoff(1, 60, jitter, uniform=lambda _, high: high).delay(3) == high


def test_the_longest_holds_after_jitter() -> None:
    """A limit that is said would not be one."""
    assert Backoff(1, 60, (1.0, 2.0), uniform=lambda _, high: high).delay(20) == 60
