"""What is random or depends on time is replaced by placeholders, as the recordings do it."""

import base64
import json
import re
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from tests.sandbox.livekit.conformance.descriptions import summarise
from tests.sandbox.livekit.conformance.recording import CODECS

_TIMES = frozenset(
    [
        "creation_time",
        "creation_time_ms",
        "joined_at",
        "joined_at_ms",
        "created_at",
        "createdAt",
        "started_at",
        "updated_at",
        "unix_micro",
        "timestamp",
        "last_ping_timestamp",
        "creationTime",
        "creationTimeMs",
        "joinedAt",
        "joinedAtMs",
        "unixMicro",
        "iat",
        "nbf",
        "ended_at",
    ]
)
_SECRETS = frozenset(("turn_password", "turnPassword", "sif_trailer"))
_ID = re.compile(r"\b(PA|TR|RM|AJ|AD|AW|ND|EV)_[A-Za-z0-9]+")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")


class Names:
    """Placeholders of ids, numbered by first appearance: <PA_1>, <TR_1>, <UUID_1>."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def text(self, value: str) -> str:
        value = _JWT.sub("<jwt>", value)
        value = _ID.sub(lambda hit: self._name(hit[0], hit[1]), value)
        return _UUID.sub(lambda hit: self._name(hit[0], "UUID"), value)

    def _name(self, value: str, prefix: str) -> str:
        if value not in self._known:
            self._counts[prefix] = self._counts.get(prefix, 0) + 1
            self._known[value] = f"<{prefix}_{self._counts[prefix]}>"
        return self._known[value]

    def value(self, value: Any, key: str = "") -> Any:
        """Any JSON value, with its key, as a recording would show it."""
        if key in _TIMES and value is not None:
            # "0" of a job that never started is telling
            return value if value in (0, "0") else self.value(value) if _deep(value) else "<ts>"
        if key in _SECRETS and value:
            return "<secret>"
        if key in CODECS:
            return "<codecs>"
        if isinstance(value, dict):
            return {self.text(name): self.value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, str):
            claims = token_claims(value)
            return {"jwt": self.value(claims)} if claims else self.text(value)
        return value


def _deep(value: Any) -> bool:
    return isinstance(value, (dict, list))


def message(value: Message) -> dict[str, Any]:
    """A protobuf message by proto names, without default values, descriptions summarised."""
    fields = MessageToDict(value, preserving_proto_field_name=True)
    summarised: dict[str, Any] = _summarised(fields)
    return summarised


def _summarised(value: Any) -> Any:
    if isinstance(value, list):
        return [_summarised(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(sdp := value.get("sdp"), str):
        return {**value, "sdp": summarise(sdp)}
    if isinstance(candidate := value.get("candidateInit"), str):
        return {"candidate": _candidate(json.loads(candidate))}
    return {key: _summarised(item) for key, item in value.items()}


def _candidate(init: dict[str, Any]) -> dict[str, Any]:
    """Where it belongs, and what of it is not the machine's own."""
    words = str(init["candidate"]).split()
    place = {"sdpMid": init.get("sdpMid"), "sdpMLineIndex": init.get("sdpMLineIndex")}
    kind = {"cand": f"{words[2].lower()} {words[7]}"} if len(words) > 7 else {"cand": "end"}
    return {**place, **kind, "keys": sorted(init)}


def token_claims(token: str) -> dict[str, Any] | None:
    """Algorithm and claims of a JWT, `exp` as its distance from `nbf`; None if it is none."""
    if not _JWT.fullmatch(token):
        return None
    header, payload, _ = token.split(".")
    claims = _decode(payload)
    if "nbf" in claims and "exp" in claims:
        claims["exp"] = f"<nbf+{claims['exp'] - claims['nbf']}s>"
    return {"alg": _decode(header)["alg"], "claims": claims}


def _decode(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded
