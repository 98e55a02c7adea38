"""Sarvam's realtime speech-to-text socket, `/speech-to-text-realtime/ws`, in manual endpointing.

Binary messages carry PCM16 mono; text messages carry JSON with an `event`. We say `speech_start`
and `speech_end`; the server answers with `transcript.partial` and one `transcript.final` for each
utterance, an empty one included.
"""

import json
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import SecretStr

from shared.locales.model import UNKNOWN
from shared.locales.registry import locale, normalise

PATH: Final = "/speech-to-text-realtime/ws"
AUTO: Final = "auto"  # in place of a language code: hear which one it is
SAMPLE_RATE: Final = 16_000  # hertz
BYTES_PER_SECOND: Final = SAMPLE_RATE * 2

SPEECH_START: Final = json.dumps({"event": "speech_start"})
SPEECH_END: Final = json.dumps({"event": "speech_end"})
PING: Final = json.dumps({"event": "ping"})
END: Final = json.dumps({"event": "end"})

# What Sarvam refuses, by WebSocket close code or HTTP status: another try at once cannot help.
REFUSED_PART: Final = {
    1003: "the key, the quota or the rate limit",
    4000: "the session",
    400: "the request",
    401: "the key",
    402: "the account's balance",
    403: "the key",
    404: "the address or the model",
    422: "the request",
}


def url(base: str, *, model: str, language: str, stream_type: str) -> str:
    """The socket's address with its query. `language` is one of ours, `unknown` included."""
    query = {
        "language_code": spelling(language),
        "stream_type": stream_type,
        "endpointing": "manual",
        "encoding": "linear16",
        "sample_rate": str(SAMPLE_RATE),
        "model": model,
        "mode": "transcribe",
    }
    return f"{base}{PATH}?{urlencode(query)}"


def headers(key: SecretStr) -> dict[str, str]:
    """The headers of the socket's handshake."""
    return {"api-subscription-key": key.get_secret_value()}


def spelling(language: str) -> str:
    """Our language code as this socket spells it."""
    return AUTO if language == UNKNOWN else locale(language).sarvam.realtime


def language_of(spelled: object, otherwise: str) -> str:
    """The language that a transcript says it is in, as we spell it.

    `otherwise` when it names none, or none of ours: Sarvam hears more languages than it speaks.
    """
    known = normalise(spelled) if isinstance(spelled, str) else None
    return otherwise if known in (None, UNKNOWN) else known


def config_update(language: str) -> str:
    """Changes the language from the next utterance on."""
    return json.dumps({"event": "config.update", "language_code": spelling(language)})


def parse(text: str) -> dict[str, Any]:
    """One message of the server; an empty one when it is not a JSON object."""
    try:
        message = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}
