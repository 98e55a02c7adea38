"""The errors that the server answers requests with."""

from shared.errors import BolchaalError


class Refusal(BolchaalError):
    """Answered with `status` and `message` as plain text, before any upgrade to a WebSocket."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, code="refused")
        self.status = status


class TwirpError(BolchaalError):
    """Answered as Twirp does: JSON {code, msg} with the status that belongs to the code."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message, code=code)
        self.status = status
