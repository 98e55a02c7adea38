"""Loudness and reception figures, which decide who is shown as speaking and how good a call is."""

from services.sandbox.livekit.levels import Loudness
from services.sandbox.livekit.reception import Reception


def _feed(loudness: Loudness, level: int, packets: int, start: float) -> float:
    for number in range(packets):
        loudness.add(level, 20, start + number * 0.02)
    return start + packets * 0.02


def test_a_voice_rises_in_steps_and_falls_silent() -> None:
    """A page would show nobody speaking, or somebody for ever."""
    loudness = Loudness()
    now = _feed(loudness, 15, 20, 0.0)  # a sine of amplitude 8000
    assert loudness.speaking(now) == 0.125
    now = _feed(loudness, 15, 20, now)
    assert loudness.speaking(now) == 0.25
    now = _feed(loudness, 127, 40, now)
    _feed(loudness, 127, 40, now)
    assert loudness.speaking(now + 0.8) == 0.0


def test_a_quiet_voice_is_no_speech() -> None:
    """Room noise would count as a speaker."""
    loudness = Loudness()
    now = _feed(loudness, 44, 60, 0.0)  # amplitude 300
    assert loudness.speaking(now) == 0.0


def test_a_track_that_stops_sending_is_silent() -> None:
    """Somebody who mutes while loud would stay the speaker."""
    loudness = Loudness()
    now = _feed(loudness, 10, 40, 0.0)
    assert loudness.speaking(now) > 0
    assert loudness.speaking(now + 0.9) == 0.0


def test_losses_are_counted_across_a_wrap() -> None:
    """The connection quality would turn bad every 22 minutes."""
    reception = Reception(48000)
    for sequence in (65533, 65534, 65535, 0, 1, 3):
        reception.add(sequence, sequence * 960)
    assert (reception.expected, reception.lost) == (7, 1)
    assert reception.highest_sequence == 0x10000 + 3
    assert reception.take_fraction_lost() == (1 << 8) // 7
    assert reception.take_fraction_lost() == 0
