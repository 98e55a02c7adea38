"""How a connection to the speech-to-text socket can end."""

from services.agent.speech.stt.protocol import REFUSED_PART


class Lost(Exception):
    """The connection is gone, for a reason that another one may not have.

    `code` is the WebSocket close code or the HTTP status, when there was one.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code

    @property
    def refused(self) -> bool:
        """Whether Sarvam said no, rather than went away."""
        return self.code in REFUSED_PART

    def __str__(self) -> str:
        return self.reason if self.code is None else f"{self.reason} ({self.code})"
