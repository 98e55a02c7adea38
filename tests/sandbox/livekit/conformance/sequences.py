"""Lines put into the order in which they can be compared, and paired with each other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from tests.sandbox.livekit.conformance.recording import Line
from tests.sandbox.livekit.conformance.ticks import ticked


def from_server(lines: Iterable[Line], channel: str) -> list[Line]:
    return [
        line for line in lines if line.channel == channel and line.direction in ("s>c", "s>hook")
    ]


def arrivals(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Participants of ticked updates, each as a line of its own, by identity, repeats left out."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        for participant in line.body["participants"] if ticked(line) else ():
            known = found.setdefault(participant["identity"], [])
            if not known or known[-1].body != participant:
                known.append(
                    Line(line.t_ms, line.channel, "s>c", "update", participant, line.number)
                )
    return found


def once(lines: Iterable[Line]) -> list[Line]:
    """Retries of the client leave one line."""
    kept: list[Line] = []
    for line in lines:
        if not kept or (line.kind, line.body) != (kept[-1].kind, kept[-1].body):
            kept.append(line)
    return kept


def settled(lines: Sequence[Line]) -> list[Line]:
    """Webhooks in which runs of departures are ordered by identity: theirs is not fixed."""
    settled: list[Line] = []
    run: list[Line] = []
    for line in [*lines, None]:
        if line is not None and line.kind in ("track_unpublished", "participant_left"):
            run.append(line)
            continue
        settled += (
            sorted(run, key=lambda line: str(line.body["participant"]["identity"]))
            if _at_once(run)
            else run
        )
        run = []
        if line is not None:
            settled.append(line)
    return settled


def _at_once(run: Sequence[Line]) -> bool:
    return bool(run) and run[-1].t_ms - run[0].t_ms < 500


def is_farewell(line: Line) -> bool:
    return line.kind == "leave" and line.body.get("reason") == "CLIENT_INITIATED"


def count(lines: Iterable[Line], name: str, kind: str) -> int:
    """Lines of a kind on all channels of `name`: rtc:bob, rtc:bob#2 and so on."""
    return sum(line.channel.partition("#")[0] == name and line.kind == kind for line in lines)


def cause(lines: Sequence[Line], line: Line) -> Line | None:
    """What started the clock at whose end the server said `line`; None if it had no clock."""
    if line.kind == "room_finished":
        return _before(lines, line, lambda other: other.channel == "webhook")
    if line.kind == "availability":
        return _before(lines, line, lambda other: other.kind in _DISPATCHING)
    if line.kind in _DEPARTURES and _TIMEOUT in str(line.body):
        return _before(lines, line, lambda other: other.body == _LOST and other.direction == "c>s")
    return None


_DISPATCHING = ("room_started", "AgentDispatchService/CreateDispatch")
_DEPARTURES = ("participant_left", "update")
_TIMEOUT = "CONNECTION_TIMEOUT"
_LOST = {"code": 1006}


def _before(lines: Sequence[Line], line: Line, fits: Callable[[Line], bool]) -> Line | None:
    earlier = (other for other in reversed(lines) if other.number < line.number)
    return next((other for other in earlier if fits(other)), None)


def is_own_end(line: Line) -> bool:
    """The Python client reports its own disconnect now and then only."""
    return line.kind == "disconnected" and line.body == "CLIENT_INITIATED"


def aligned(
    expected: Sequence[Line], got: Sequence[Line]
) -> Iterator[tuple[Line | None, Line | None]]:
    theirs, ours = [_key(line) for line in expected], [_key(line) for line in got]
    for tag, a, b, c, d in SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(expected[a:b], got[c:d], strict=True)
            continue
        left, right = list(expected[a:b]), list(got[c:d])
        while left and right and left[0].kind == right[0].kind:
            yield left.pop(0), right.pop(0)
        yield from ((line, None) for line in left)
        yield from ((None, line) for line in right)


def _key(line: Line) -> str:
    """What tells messages of a sequence apart at first sight."""
    return f"{line.kind} {_gist(line)}"


_GISTS: dict[str, Callable[[Any], Any]] = {
    "update": lambda body: sorted(
        (p["identity"], p.get("state", ""), len(p.get("tracks", ()))) for p in _participants(body)
    ),
    "leave": lambda body: body.get("reason", ""),
    "request_response": lambda body: body.get("reason", ""),
}


def _participants(body: dict[str, Any]) -> list[dict[str, Any]]:
    participants: list[dict[str, Any]] = body.get("participants", [body])
    return participants


def _gist(line: Line) -> Any:
    if line.channel == "webhook":
        return line.body.get("participant", {}).get("identity", "")
    if line.channel == "twirp":
        return line.body["status"]
    describe = _GISTS.get(line.kind)
    return describe(line.body) if describe and isinstance(line.body, dict) else ""


def described(line: Line) -> str:
    text = f"{line.kind} {line.body if line.body is not None else ''}"
    return text if len(text) <= 260 else f"{text[:260]}..."
