"""From single words of the tag to whole phrases: what a listener may claim to have understood.

A phrase counts only if it was heard from its start to its end: its id at least three times in one
phase, then its tones followed slot by slot, over the length that was registered for it. Anything
else, a phrase cut short as well as any other sound, gives nothing. What the rule costs and what it
never lets through was measured over 704 utterances and 169 minutes of other sounds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.sandbox.speech.registry import Phrase
from services.sandbox.speech.tag.code import LENGTH, codeword
from services.sandbox.speech.tag.detector import HOP_S, Detector, Hit
from services.sandbox.speech.tag.embed import SYMBOL_S
from services.sandbox.speech.tone_history import ToneHistory

WORD_S: Final = LENGTH * SYMBOL_S
TOLERANCE_S: Final = 0.20  # that may be missing at the start, and as much at the end
EXCESS_S: Final = 0.30  # that a phrase may last longer: a jitter buffer stretches pauses
HITS: Final = 3  # of one id in one phase
_SAME_PHASE_S: Final = 0.0126  # hops of 5 ms on either side, and the clocks' drift
_JOIN_S: Final = 1.0  # hits further apart are two sayings, or a saying with a hole in it
_FOLLOWED: Final = 0.30  # the share at which a tone counts as there
_OF_EIGHT: Final = 7  # slots of eight that must be there
_SLIPS: Final = range(-12, 13)  # hops: a jitter buffer may shift parts by 60 ms
_UNKNOWN: Final = -1_000_000  # a hop of which the history knows nothing
_BLOCK_S: Final = 0.050  # audio is heard in blocks: blocks of 10 ms cost more than twice as much


@dataclass(slots=True)
class _Cluster:
    """Hits in one phase; `phase` is when a codeword starts, modulo its length."""

    phase: float
    first: float
    last: float
    hits: int = 1


@dataclass(slots=True)
class _Saying:
    """One phrase being said: hits of its id, all of which can belong to one saying."""

    ident: int
    phrase: Phrase
    first: float
    last: float
    clusters: list[_Cluster] = field(default_factory=list)
    given: bool = False

    @property
    def start(self) -> float:
        """When it began, judging by the first hit: right or too late, never too early."""
        return self.first - WORD_S

    @property
    def established(self) -> list[_Cluster]:
        return [cluster for cluster in self.clusters if cluster.hits >= HITS]

    def takes(self, hit: Hit) -> bool:
        """Whether the hit belongs to this saying rather than to the same phrase said again."""
        over = self.start + self.phrase.seconds + EXCESS_S
        return hit.ident == self.ident and hit.time - self.last <= _JOIN_S and hit.time <= over

    def add(self, hit: Hit) -> None:
        self.last = hit.time
        phase = (hit.time - SYMBOL_S * hit.rotation) % WORD_S
        for cluster in self.clusters:
            off = (phase - cluster.phase + WORD_S / 2) % WORD_S - WORD_S / 2
            if abs(off) <= _SAME_PHASE_S:
                cluster.hits += 1
                cluster.phase = (cluster.phase + off / cluster.hits) % WORD_S
                cluster.last = hit.time
                return
        self.clusters.append(_Cluster(phase, hit.time, hit.time))


@dataclass(frozen=True, slots=True)
class _Span:
    """Seconds: when the phrase began, when its tone was first and last there."""

    start: float
    first: float
    end: float


class Hearer:
    """Listens to one stream of audio. `known` finds the phrase of an id.

    `feed` takes audio as it comes, in pieces of any length. `take` is called when speech ends.
    """

    def __init__(self, known: Callable[[int], Phrase | None], rate: int = 16_000) -> None:
        self._known = known
        self._detector = Detector(rate)
        self._history = ToneHistory()
        self._sayings: list[_Saying] = []
        self._taken = 0.0
        self._block = int(rate * _BLOCK_S)
        self._pieces: list[NDArray[np.int16]] = []
        self._waiting = 0

    def feed(self, samples: NDArray[np.int16]) -> None:
        """Takes PCM16 mono at the stream's rate."""
        self._pieces.append(samples)
        self._waiting += len(samples)
        if self._waiting >= self._block:
            self._listen()

    def heard(self) -> list[tuple[Phrase, float]]:
        """The phrases since the last `take`, in order, each with the part of it that was heard.

        The part is 0 to 1 and only an estimate: that a phrase will be whole is not known before it
        has ended.
        """
        return [
            (saying.phrase, _part(saying))
            for saying in self._sayings
            if saying.last > self._taken and not saying.given and saying.established
        ]

    def take(self) -> list[Phrase]:
        """The phrases that were completed since the last call, in order.

        One that a pause has cut in two stays for the next call.
        """
        self._listen()
        complete = [saying for saying in self._sayings if self._is_complete(saying)]
        for saying in complete:
            saying.given = True
        self._taken = now = self._history.now
        self._sayings = [each for each in self._sayings if now - each.last < _JOIN_S]
        return [saying.phrase for saying in complete]

    def _listen(self) -> None:
        if not self._pieces:
            return
        shares, hits = self._detector.feed(np.concatenate(self._pieces))
        self._pieces.clear()
        self._waiting = 0
        self._history.add(shares)
        for hit in hits:
            self._note(hit)

    def _note(self, hit: Hit) -> None:
        for saying in self._sayings:
            if saying.takes(hit):
                saying.add(hit)
                return
        phrase = self._known(hit.ident)
        if phrase is not None:
            saying = _Saying(hit.ident, phrase, hit.time, hit.time)
            saying.add(hit)
            self._sayings.append(saying)

    def _is_complete(self, saying: _Saying) -> bool:
        clusters = saying.established
        if saying.given or not clusters:
            return False
        begin = self._follow(saying, min(clusters, key=lambda cluster: cluster.first).phase)
        end = self._follow(saying, max(clusters, key=lambda cluster: cluster.last).phase)
        if begin is None or end is None:
            return False
        missing = saying.phrase.seconds - (end.end - begin.start)
        return -EXCESS_S <= missing <= TOLERANCE_S and begin.first - begin.start <= TOLERANCE_S

    def _follow(self, saying: _Saying, phase: float) -> _Span | None:
        """Where the phrase's own tones are there, slot by slot, in this phase."""
        after, before = self._bounds(saying)
        origin = phase + np.floor((after - phase) / WORD_S) * WORD_S
        slots = np.arange(int((before - origin) / SYMBOL_S))
        hops = np.round((origin + slots * SYMBOL_S) / HOP_S).astype(np.int64)
        tones = codeword(saying.ident)[slots % LENGTH]
        hops[origin + slots * SYMBOL_S < after] = _UNKNOWN
        spans = [_run(self._history.of(hops + slip, tones) > _FOLLOWED) for slip in _SLIPS]
        found = [span for span in spans if span is not None]
        if not found:
            return None
        first, last = min(a for a, _ in found), max(b for _, b in found)
        # A slot or three before a word's start is a slip, not the word before.
        start = origin + (first + 3) // LENGTH * WORD_S
        return _Span(start, origin + first * SYMBOL_S, origin + (last + 1) * SYMBOL_S)

    def _bounds(self, saying: _Saying) -> tuple[float, float]:
        """Seconds between which the saying lies, and no other one of the same phrase."""
        after, before = saying.start - 0.5, saying.last + _JOIN_S
        for other in self._sayings:
            if other.ident == saying.ident and other.last < saying.start:
                after = max(after, other.last)
            if other.ident == saying.ident and other.start > saying.last:
                before = min(before, other.start)
        return after, before


def _run(there: NDArray[np.bool_]) -> tuple[int, int] | None:
    """First and last slot of all stretches of eight slots that have seven."""
    if len(there) < 8:
        return None
    dense = np.flatnonzero(np.convolve(there, np.ones(8, int), "valid") >= _OF_EIGHT)
    if not len(dense):
        return None
    first, last = int(dense[0]), int(dense[-1]) + 7
    return first + (not there[first]), last - (not there[last])


def _part(saying: _Saying) -> float:
    elapsed = saying.last - saying.start
    if elapsed >= saying.phrase.seconds - TOLERANCE_S:
        return 1.0
    return elapsed / saying.phrase.seconds
