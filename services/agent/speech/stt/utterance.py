"""What was said and has no transcript yet: the audio of every utterance until its final comes.

Pure bookkeeping, without sockets and clocks, so that it can be tested to the byte.
"""

from collections import deque
from dataclasses import dataclass, field

MAX_RESENDS = 2


@dataclass(slots=True, eq=False)
class Utterance:
    """One stretch of speech that we delimit. Audio is PCM16 mono.

    `ended` is when speech ended by a monotonic clock; `told` when the server was told so on the
    present connection (None: not yet); `sends` how often it was sent whole.
    """

    pcm: bytearray = field(default_factory=bytearray)
    ended: float | None = None
    told: float | None = None
    sends: int = 0


class UtteranceBuffer:
    """The open utterance, those that wait for a transcript, and the last moments before speech.

    `prefix` and `hold` are bytes: how much is kept from before speech, and of one utterance.
    """

    def __init__(self, *, prefix: int, hold: int) -> None:
        self._prefix = prefix - prefix % 2
        self._hold = hold - hold % 2
        self._before = bytearray()
        self.open: Utterance | None = None
        self.waiting: deque[Utterance] = deque()

    def push(self, pcm: bytes) -> bool:
        """Takes audio; True when it belongs to an open utterance and is to be sent."""
        if self.open is None:
            self._before += pcm
            _trim(self._before, self._prefix)
            return False
        self.open.pcm += pcm
        _trim(self.open.pcm, self._hold)
        return True

    def start(self) -> Utterance:
        """Opens an utterance, which begins with the audio from before it."""
        self.open = Utterance(pcm=bytearray(self._before))
        self._before.clear()
        return self.open

    def end(self, now: float) -> Utterance | None:
        """Closes the open utterance, which then waits for its final."""
        utterance, self.open = self.open, None
        self._before.clear()
        if utterance is not None:
            utterance.ended = now
            self.waiting.append(utterance)
        return utterance

    def transcribed(self) -> Utterance | None:
        """A final has come: it belongs to the one that waits longest."""
        return self.waiting.popleft() if self.waiting else None

    def resend(self) -> tuple[list[Utterance], int]:
        """What a new connection must be sent, in order, and how many utterances were given up.

        An utterance is sent again MAX_RESENDS times: one that kills every connection would
        otherwise never let the others through.
        """
        kept = deque(each for each in self.waiting if each.sends <= MAX_RESENDS)
        dropped = len(self.waiting) - len(kept)
        self.waiting = kept
        for utterance in kept:
            utterance.told = None
        return [*kept, *([self.open] if self.open else [])], dropped

    def expire(self, now: float, older_than: float) -> int:
        """Gives up utterances that ended more than `older_than` seconds ago; answers how many."""
        count = 0
        while self.waiting and self._age(now) > older_than:
            self.waiting.popleft()
            count += 1
        return count

    def _age(self, now: float) -> float:
        ended = self.waiting[0].ended
        return now - ended if ended is not None else 0.0


def _trim(buffer: bytearray, keep: int) -> None:
    if len(buffer) > keep:
        del buffer[: len(buffer) - keep]
