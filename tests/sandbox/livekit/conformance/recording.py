"""The recordings of a real LiveKit server, unfolded: see the README beside them for the format."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent.parent / "golden"

CODECS = frozenset(("enabled_codecs", "enabledCodecs", "enabled_publish_codecs", "disabled_codecs"))
"""Fields that list codecs: the development server has the audio ones only."""

_VARYING = {
    "p": [
        "sid",
        "identity",
        "state",
        "tracks",
        "metadata",
        "name",
        "version",
        "is_publisher",
        "isPublisher",
        "kind",
        "attributes",
        "disconnect_reason",
        "disconnectReason",
    ],
    "r": [
        "sid",
        "name",
        "empty_timeout",
        "max_participants",
        "num_participants",
        "num_publishers",
        "metadata",
        "departure_timeout",
        "active_recording",
        "emptyTimeout",
        "maxParticipants",
        "numParticipants",
        "numPublishers",
        "departureTimeout",
        "activeRecording",
    ],
    "t": ["sid", "muted", "mid"],
}
"""Fields that every mention of a participant, room or track writes out; the rest is constant."""


@dataclass(slots=True)
class Line:
    """One thing seen on the wire, in a recording or in a replay."""

    t_ms: int
    channel: str
    """rtc:IDENTITY[#n], agent:worker#n, twirp, http, webhook, dc:PAGE, sdk:WHO or script."""
    direction: str
    """c>s, s>c, s>hook or empty."""
    kind: str
    """The protobuf field, method or event."""
    body: Any = None
    number: int = 0
    """Line of the file, from 1; in a replay the count of things seen."""
    extra: dict[str, Any] = field(default_factory=dict)
    """content_type of HTTP, auth of webhooks."""


@dataclass(slots=True)
class Recording:
    """A flow as the real server played it."""

    name: str
    lines: list[Line]
    dropped: dict[str, int]
    """How many further messages of a kind were left out, by "CHANNEL DIRECTION KIND"."""


@cache
def load(flow: str) -> Recording:
    """The recording whose file name begins with `flow`, such as "c1". Not to be changed."""
    (path,) = GOLDEN.glob(f"{flow}-*.jsonl")
    lines: list[Line] = []
    dropped: dict[str, int] = {}
    constants: dict[str, dict[str, Any]] = {}
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        raw = json.loads(text)
        if raw["type"] == "dropped-repeats":
            dropped = raw["body"]
            continue
        extra = {key: raw[key] for key in ("content_type", "auth") if key in raw}
        body = _unfold(raw.get("body"), constants)
        lines.append(Line(raw["t_ms"], raw["ch"], raw["dir"], raw["type"], body, number, extra))
    return Recording(path.stem, lines, dropped)


def _unfold(value: Any, constants: dict[str, dict[str, Any]]) -> Any:
    """Writes out what `"~def"` introduced and `"~"` refers to."""
    if isinstance(value, list):
        return [_unfold(item, constants) for item in value]
    if not isinstance(value, dict):
        return value
    unfolded = {
        key: "<codecs>" if key in CODECS else _unfold(item, constants)
        for key, item in value.items()
        if key not in ("~", "~def")
    }
    if (name := value.get("~def")) is not None:
        varying = _VARYING[name[0]]
        constants[name] = {key: item for key, item in unfolded.items() if key not in varying}
    elif isinstance(name := value.get("~"), str):
        unfolded = constants[name] | unfolded
    return unfolded
