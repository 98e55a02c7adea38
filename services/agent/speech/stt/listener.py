"""What a call wants to know about its speech-to-text."""

from typing import Protocol


class SttListener(Protocol):
    """None of these methods may raise."""

    def stt_ready(self) -> None:
        """A session began."""

    def stt_refused(self, reason: str) -> None:
        """Sarvam refuses the key, the model or the account."""

    def stt_unreachable(self, reason: str) -> None:
        """Sarvam cannot be reached for many tries in a row."""

    def utterances_lost(self, count: int) -> None:
        """Utterances were given up: the caller has to say them again."""

    def drops_transcript(self, text: str) -> bool:
        """Whether a transcript is to be dropped, since it only says "I am listening"."""
        ...
