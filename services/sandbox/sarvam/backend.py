"""What all endpoints of the stand-in share."""

from collections.abc import Collection
from dataclasses import dataclass, field

from aiohttp import web

from services.sandbox.handlers import accepts_key
from services.sandbox.sarvam.faults import SpeechFault, SpeechFaults
from services.sandbox.sarvam.latencies import Latencies
from services.sandbox.sarvam.socket import Socket
from services.sandbox.speech import Espeak, Registry, Speaker

KEY_HEADER = "api-subscription-key"


@dataclass(slots=True)
class Backend:
    """`api_keys` as for handlers.accepts_key.

    `idle_s`: seconds without a message after which a socket is closed.
    """

    espeak: Espeak
    registry: Registry
    speaker: Speaker
    latencies: Latencies = field(default_factory=Latencies)
    faults: SpeechFaults = field(default_factory=SpeechFaults)
    api_keys: Collection[str] | None = None
    idle_s: float = 60.0
    sockets: set[Socket] = field(default_factory=set)

    def knows(self, request: web.Request) -> bool:
        """Whether the request carries a key of this service."""
        return accepts_key(request.headers.get(KEY_HEADER, "").strip(), self.api_keys)

    def refusal(self, request: web.Request, path: str) -> SpeechFault | None:
        """Why the request is refused before it is read: a fault, or the key."""
        fault = self.faults.refusal(path)
        if fault is None and not self.knows(request):
            return SpeechFault(kind="refuse")
        return fault
