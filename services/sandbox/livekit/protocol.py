"""Constants of the wire, and the small things that every part needs."""

import secrets
import string

from livekit.protocol.models import Codec, ServerInfo

VERSION = "1.13.5"
"""The livekit-server whose behaviour was recorded, and is reproduced here."""

SIGNAL_PROTOCOL = 17
PING_INTERVAL = 5  # seconds between the client's pings
PING_TIMEOUT = 15  # seconds without a pong after which a client gives the socket up

AUDIO_CODECS = ("audio/PCMU", "audio/PCMA", "audio/opus", "audio/red")

_ALPHABET = string.ascii_letters + string.digits


def new_sid(prefix: str) -> str:
    """An id as LiveKit makes them: a two-letter prefix with an underscore, then 12 characters."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def server_info(node_id: str) -> ServerInfo:
    return ServerInfo(version=VERSION, protocol=SIGNAL_PROTOCOL, node_id=node_id, agent_protocol=1)


def audio_codecs() -> list[Codec]:
    return [Codec(mime=mime) for mime in AUDIO_CODECS]
