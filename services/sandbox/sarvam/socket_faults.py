"""Faults of a socket in the middle of its work."""

from typing import Any, Final

from services.sandbox.sarvam.faults import SpeechFault
from services.sandbox.sarvam.socket import Socket

_UNAVAILABLE: Final = 1013


async def inject_fault(socket: Socket, fault: SpeechFault, error: dict[str, Any]) -> None:
    """Breaks the socket in the way of the fault; `error` is how this kind of socket reports one."""
    match fault.kind:
        case "close":
            await socket.close(fault.code or 1000, "closed on demand")
        case "reset":
            socket.reset()
        case "freeze":
            socket.freeze()
        case "error":
            await socket.send(error)
            await socket.close(_UNAVAILABLE, "closed after an error")
