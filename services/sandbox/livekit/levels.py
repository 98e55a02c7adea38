"""How loud a track is, from the level that every packet carries (RFC 6464), and who speaks."""

import math

_SPEECH = 35  # -dBov: a packet at least this loud counts as speech
_WINDOW_MS = 400  # packets are judged together over this much audio
_SHARE = 0.4  # of the window must be speech
_SMOOTHING = 2 / 3  # weight of the newest window
_STEPS = 8  # reported levels are eighths
_STALE_S = 0.8  # without a packet for this long the track is silent

_THRESHOLD = 10 ** (-_SPEECH / 20)


class Loudness:
    """Smoothed linear level of one track, 0 to 1."""

    def __init__(self) -> None:
        self._loudest = 127
        self._speech_ms = self._observed_ms = 0.0
        self._level = 0.0
        self._newest = 0.0

    def add(self, level: int, duration_ms: float, now: float) -> None:
        """`level` in -dBov, 0 is loudest and 127 silence; `now` monotonic seconds."""
        self._newest = now
        self._observed_ms += duration_ms
        if level <= _SPEECH:
            self._loudest = min(self._loudest, level)
            self._speech_ms += duration_ms
        if self._observed_ms >= _WINDOW_MS:
            self._close_window()

    def _close_window(self) -> None:
        linear = 0.0
        if self._speech_ms >= _SHARE * _WINDOW_MS:
            share = self._speech_ms / self._observed_ms
            linear = 10 ** (-self._loudest / 20) * share
        self._level += (linear - self._level) * _SMOOTHING
        self._loudest = 127
        self._speech_ms = self._observed_ms = 0.0

    def speaking(self, now: float) -> float:
        """The level rounded up to the next eighth while it is speech, else 0."""
        if now - self._newest > _STALE_S:
            self._level = 0.0
        if self._level < _THRESHOLD:
            return 0.0
        return min(1.0, math.ceil(self._level * _STEPS) / _STEPS)
