"""The sending side: mixes the tones of an id under speech.

Speech loses the band 2425 to 3325 Hz; the tones take its place at 14 dB under the speech's own
envelope, and never under 12 % of it in pauses, so that a listener takes them for a faint warble.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.sandbox.speech.tag.code import LENGTH, codeword

Audio = NDArray[np.float64]

SYMBOL_S: Final = 0.020
LOWEST_HZ: Final = 2500.0
SPACING_HZ: Final = 50.0
SHORTEST_S: Final = 0.40  # shorter phrases are lengthened: a hearer needs three overlapping words

_BAND: Final = (LOWEST_HZ - 75, LOWEST_HZ + (LENGTH - 1) * SPACING_HZ + 75)  # hertz
_NOTCH_S: Final = 0.016  # length of the filter: 62 Hz of transition, no audible ringing
_LEVEL: Final = 10 ** (-14 / 20)  # of the envelope; at -16 dB, noise at 10 dB begins to hide ids
_FLOOR: Final = 0.12  # of the active level, in pauses: -32 dB in all
_RAMP_S: Final = 0.004  # at both ends, against clicks
_STEP_S: Final = 0.010  # of the envelope


def embed(speech: Audio, rate: int, ident: int) -> Audio:
    """Speech with the id under it; `rate` in hertz, 8000 at least.

    `speech` is one trimmed phrase, pauses included: what is added afterwards carries no tag. The
    answer is as long, or SHORTEST_S if that is longer.
    """
    length = max(len(speech), int(SHORTEST_S * rate))
    padded = np.append(_notch(speech, rate), np.zeros(length - len(speech)))
    envelope = _envelope(speech, rate)
    envelope = np.append(envelope, np.full(length - len(speech), envelope[-1]))
    place = np.arange(length)
    ramp = np.minimum(1.0, np.minimum(place, place[::-1]) / (_RAMP_S * rate))
    tones = _tones(ident, length, rate) * envelope * ramp * _LEVEL
    return np.asarray(padded + tones)


def _tones(ident: int, length: int, rate: int) -> Audio:
    """The tones of an id over and over, in one continuous phase, RMS 1."""
    slot = (np.arange(length) / (rate * SYMBOL_S)).astype(int)
    hertz = LOWEST_HZ + SPACING_HZ * codeword(ident)[slot % LENGTH]
    return np.asarray(np.sqrt(2) * np.sin(2 * np.pi * np.cumsum(hertz) / rate))


def _notch(speech: Audio, rate: int) -> Audio:
    """Speech without the tones' band, not delayed: it loses what a linear-phase band-pass finds."""
    taps = int(rate * _NOTCH_S) | 1
    place = np.arange(taps) - taps // 2
    low, high = (2 * edge / rate for edge in _BAND)
    band = (np.sinc(high * place) * high - np.sinc(low * place) * low) * np.kaiser(taps, 6)
    size = 1 << (len(speech) + taps - 1).bit_length()
    found = np.fft.irfft(np.fft.rfft(speech, size) * np.fft.rfft(band, size), size)
    return np.asarray(speech - found[taps // 2 : taps // 2 + len(speech)])


def _envelope(speech: Audio, rate: int) -> Audio:
    """The level of the speech around each sample, between the floor and the active level.

    RMS over 40 ms, held for 30 ms either way so that the tag neither pumps nor lags.
    """
    step = int(rate * _STEP_S)
    steps = len(speech) // step + 1
    padded = np.append(speech, np.zeros(steps * step - len(speech)))
    level = np.sqrt(np.mean(padded.reshape(steps, step) ** 2, axis=1))
    active = active_level(level)
    level = np.sqrt(np.convolve(level**2, np.ones(4) / 4, "same"))
    held = np.lib.stride_tricks.sliding_window_view(np.pad(level, 3), 7).max(axis=1)
    bounded = np.clip(held, _FLOOR * active, active)
    smooth = np.convolve(np.pad(bounded, 2, "edge"), np.ones(5) / 5, "valid")
    return np.interp(np.arange(len(speech)), np.arange(steps) * step + step / 2, smooth)


def active_level(levels: Audio) -> float:
    """The RMS of the stretches in which somebody speaks: those above a tenth of the loudest."""
    loudest = float(levels.max())
    if loudest <= 0:
        return 0.0
    return float(np.sqrt(np.mean(levels[levels > 0.1 * loudest] ** 2)))
