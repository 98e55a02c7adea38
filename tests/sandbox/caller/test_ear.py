"""When the agent's voice begins, to the sample: every latency that is printed rests on it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.sandbox.caller.ear import FRAME_MS, RATE, Hearing

SAMPLES = RATE * FRAME_MS // 1000


def frame(level: int, voiced_from: int = 0) -> NDArray[np.int16]:
    """10 ms that are loud from the given sample on."""
    samples = np.zeros(SAMPLES, np.int16)
    samples[voiced_from:] = level
    return samples


class Listener:
    """Feeds frames on a clock of its own: each arrives 10 ms after the one before."""

    def __init__(self) -> None:
        self.now = 100.0
        self.hearing = Hearing(lambda: self.now)

    def hear(self, *frames: NDArray[np.int16]) -> None:
        for each in frames:
            self.now += FRAME_MS / 1000
            self.hearing.hear(each, self.now)


def test_the_beginning_is_the_first_loud_sample() -> None:
    """A latency would be a frame too long or too short."""
    ear = Listener()
    ear.hear(frame(0), frame(5000, voiced_from=SAMPLES // 2), frame(5000))
    assert ear.hearing.first_voiced == pytest.approx(100.015)


def test_a_click_is_no_voice() -> None:
    """A crackle on the line would count as the agent's answer."""
    ear = Listener()
    ear.hear(frame(5000), frame(0), frame(0))
    assert ear.hearing.first_voiced is None
    assert ear.hearing.last_voiced is None


def test_noise_below_speech_is_silence() -> None:
    """Comfort noise would make every answer immediate."""
    ear = Listener()
    ear.hear(*[frame(100)] * 10)
    assert ear.hearing.first_voiced is None


def test_each_turn_is_measured_anew() -> None:
    """The second answer would have the first one's time."""
    ear = Listener()
    ear.hear(frame(5000), frame(5000), frame(0))
    first = ear.hearing.first_voiced
    ear.hearing.expect()
    assert ear.hearing.first_voiced is None
    ear.hear(frame(0), frame(5000), frame(5000), frame(0), frame(5000), frame(5000))
    assert first == pytest.approx(100.0)
    assert ear.hearing.first_voiced == pytest.approx(100.04)


def test_silence_is_counted_from_the_last_voice() -> None:
    """The caller would fall into the agent's words, or wait for ever."""
    ear = Listener()
    assert ear.hearing.quiet_for() == 0.0
    ear.hear(frame(5000), frame(5000), *[frame(0)] * 30)
    assert ear.hearing.quiet_for() == pytest.approx(0.3)
