"""What both speech-to-text sockets do with audio: find speech in it, and the phrases."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.sandbox.sarvam.faults import SpeechFault
from services.sandbox.speech import Hearer, Phrase, Registry
from services.sandbox.speech.activity import FRAME_S, ONSET_FRAMES, Activity
from services.sandbox.speech.pcm import Samples


@dataclass(slots=True)
class OpenUtterance:
    """One stretch of speech between its boundaries. `start_s` and `heard_s` in seconds of audio.

    `fault` is the one that it will meet; `partial` the last partial transcript that was sent.
    """

    index: int
    language: str
    start_s: float
    fault: SpeechFault | None = None
    heard_s: float = 0.0
    partial: str = ""
    partial_s: float = 0.0

    def fault_is_due(self, *, at_end: bool = False) -> bool:
        """Whether the moment of its fault has come."""
        return self.fault is not None and (at_end or self.heard_s * 1000 >= self.fault.ms)


class AudioInput:
    """One stream of audio: its seconds, its voice activity, its phrases."""

    def __init__(
        self,
        registry: Registry,
        rate: int,
        *,
        threshold: float = 0.5,
        onset_s: float = ONSET_FRAMES * FRAME_S,
    ) -> None:
        self._registry = registry
        self._rate = rate
        self._hearer = Hearer(registry.get, rate)
        self.seconds = 0.0
        self.tune(threshold=threshold, onset_s=onset_s)

    def tune(self, *, threshold: float, onset_s: float) -> None:
        self._activity = Activity(self._rate, threshold=threshold, onset_s=onset_s)

    def hear(self, audio: Samples) -> None:
        """Listens; boundaries are the client's business."""
        self._hearer.feed(audio)
        self.seconds += len(audio) / self._rate

    def watch(self, audio: Samples, silence_s: float) -> Iterator[bool]:
        """Listens, and yields True where speech starts and False where it has ended."""
        done = 0
        for at, speaking in self._activity.feed(audio, silence_s):
            self.hear(audio[done:at])
            done = at
            yield speaking
        self.hear(audio[done:])

    def end_speech(self) -> None:
        """The client ends what the voice activity has begun."""
        self._activity.speaking = False

    def so_far(self) -> list[tuple[Phrase, float]]:
        return self._hearer.heard()

    def take(self) -> list[Phrase]:
        return self._hearer.take()
