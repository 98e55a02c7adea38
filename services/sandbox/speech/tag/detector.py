"""The hearing side: finds ids in a stream of audio.

Every 5 ms a window of 20 ms is compared with the 16 tones; the share of each in their sum is what
counts, so neither volume nor a cut-off telephone band matters. Sixteen windows 20 ms apart are one
word at one of 16 rotations; five of its clearest symbols say which.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.sandbox.speech.tag.code import LENGTH, MASK, NIBBLES, complete, ident_of
from services.sandbox.speech.tag.embed import LOWEST_HZ, SPACING_HZ, SYMBOL_S

Shares = NDArray[np.float32]

HOP_S: Final = 0.005
_CLEAR: Final = 0.45  # the share that makes a tone clear; noise gives 0.2 on average
_CLEAR_SYMBOLS: Final = 12  # of 16, before a window is worth decoding
_AGREE: Final = 12  # symbols of 16 that a word has in common with what was heard
# Fives of the eight clearest symbols, the clearest first: 10 tries bring nearly all there is.
_PICKS: Final = [list(p) for p in sorted(combinations(range(8), NIBBLES), key=sum)[:10]]
_SILENCE: Final = 1e-3  # keeps the shares of digital silence at zero


@dataclass(frozen=True, slots=True)
class Hit:
    """One word heard: `time` is the end of its 320 ms in seconds since the stream began.

    `rotation` is the codeword's position at which those 320 ms begin.
    """

    time: float
    ident: int
    rotation: int


class Detector:
    """`rate` in hertz, 8000 at least. Costs 3 ms a second idle, 10 to 17 ms with a tag."""

    def __init__(self, rate: int) -> None:
        self._window = round(rate * SYMBOL_S)
        self._hop = round(rate * HOP_S)
        self._stride = self._window // self._hop
        time = np.arange(self._window) / rate
        angle = 2 * np.pi * np.outer(time, LOWEST_HZ + SPACING_HZ * np.arange(LENGTH))
        self._tones = np.concatenate([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
        self._left = np.zeros(0, np.float32)
        self._past = np.zeros((0, LENGTH), np.float32)
        self._hops = 0

    def feed(self, samples: NDArray[np.int16]) -> tuple[Shares, list[Hit]]:
        """Takes the next samples; answers the tones' shares at each new hop, and the words heard.

        The shares have the shape (hops, 16) and belong to windows that begin every HOP_S.
        """
        self._left = np.concatenate([self._left, samples.astype(np.float32)])
        hops = (len(self._left) - self._window) // self._hop + 1
        if hops <= 0:
            return np.zeros((0, LENGTH), np.float32), []
        shares = self._shares(hops)
        self._left = self._left[hops * self._hop :]
        before = self._stride * (LENGTH - 1)
        self._past = np.concatenate([self._past, shares])
        self._hops += hops
        hits = []
        if len(self._past) > before:
            hits = self._decode(np.arange(before, len(self._past)))
        self._past = self._past[-before:]
        return shares, hits

    def _shares(self, hops: int) -> Shares:
        windows = np.lib.stride_tricks.sliding_window_view(self._left, self._window)
        both = windows[: (hops - 1) * self._hop + 1 : self._hop] @ self._tones
        energy = both[:, :LENGTH] ** 2 + both[:, LENGTH:] ** 2
        shares: Shares = energy / (energy.sum(1, keepdims=True) + np.float32(_SILENCE))
        return shares

    def _decode(self, ends: NDArray[np.int64]) -> list[Hit]:
        """The words whose last window is one of `ends`, rows of the past."""
        heard = self._past[ends[:, None] - self._stride * np.arange(LENGTH - 1, -1, -1)]
        purity = heard.max(2)
        clear = np.sort(purity, 1)[:, LENGTH - _CLEAR_SYMBOLS] > _CLEAR
        worth = np.flatnonzero(clear & (purity.mean(1) > _CLEAR))
        if not len(worth):
            return []
        first = self._hops - len(self._past)
        hits = []
        for row, rotation, word in _words(heard[worth].argmax(2).astype(np.uint8), purity[worth]):
            expected = word[(np.arange(LENGTH) + rotation) % LENGTH]
            share = heard[worth[row], np.arange(LENGTH), expected].mean()
            if share >= _CLEAR:
                time = (first + int(ends[worth[row]])) * HOP_S + SYMBOL_S
                hits.append(Hit(time, ident_of(word), rotation))
        return hits


def _words(
    symbols: NDArray[np.uint8], purity: NDArray[np.float32]
) -> list[tuple[int, int, NDArray[np.uint8]]]:
    """The codewords in rows of 16 symbols: (row, rotation, word with its mask)."""
    order = np.argsort(-purity, 1)
    rotations = np.arange(LENGTH)
    places = (rotations[None] + rotations[:, None]) % LENGTH  # of symbol i at rotation r
    turned = np.zeros((len(symbols), LENGTH, LENGTH), np.uint8)
    rows = np.arange(len(symbols))[:, None, None]
    turned[rows, rotations[None, :, None], places[None]] = symbols[:, None, :] ^ MASK[places][None]
    found = []
    left = np.arange(len(symbols))
    for pick in _PICKS:
        chosen = order[left][:, pick]
        where = np.sort((chosen[:, None, :] + rotations[None, :, None]) % LENGTH, 2)
        words = complete(where, np.take_along_axis(turned[left], where, 2))
        good = (words == turned[left]).sum(2) >= _AGREE
        found += [
            (int(left[row]), int(rotation), words[row, rotation] ^ MASK)
            for row, rotation in zip(*np.nonzero(good), strict=True)
        ]
        left = left[~good.any(1)]
        if not len(left):
            break
    return found
