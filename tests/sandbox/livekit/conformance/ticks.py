"""Messages that come with the server's ticks: what they say in all counts, not how many."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from tests.sandbox.livekit.conformance.recording import Line
from tests.sandbox.livekit.conformance.values import Ids, differences

_SPEECH_SLACK_MS = 1000
_STEP_MS = 5000
_LEVEL_STEPS = 8


def ticked(line: Line) -> bool:
    """An update that only says that people without tracks came or went: it waits for a tick."""
    if line.kind != "update" or "participants" not in (line.body or {}):
        return False
    return all(_is_quiet(participant) for participant in line.body["participants"])


def _is_quiet(participant: dict[str, Any]) -> bool:
    if participant.get("is_publisher") or participant.get("tracks"):
        return False
    if participant.get("state") == "ACTIVE":
        return participant.get("version") == 2
    reason = participant.get("disconnect_reason")
    return participant.get("state") == "DISCONNECTED" and reason != "JOIN_FAILURE"


def speakers(expected: Sequence[Line], got: Sequence[Line], count: int) -> Iterator[str]:
    """Who began and stopped to speak, `count` times; levels and repeats follow the sound."""
    for line in got:
        for entry in line.body["speakers"] if line.kind == "speakers_changed" else ():
            if not (float(entry.get("level", 0)) * _LEVEL_STEPS).is_integer():
                yield f"speakers_changed: level {entry['level']} is no step of 1/8"
    theirs, ours = _speech(expected), _speech(got)
    if theirs and not theirs[0][1]:
        return  # who joins while others speak sees the middle of it
    for place, (who, active, t_ms) in enumerate(theirs[:count]):
        verb = "speaks" if active else "is silent"
        if place >= len(ours):
            yield f"speakers_changed: missing, {who} {verb} at {t_ms} ms"
        elif ours[place][1] != active:
            yield f"speakers_changed: expected active={active} at {t_ms} ms, got {ours[place]}"
        elif abs(ours[place][2] - t_ms) > _SPEECH_SLACK_MS:
            yield f"speakers_changed: {who} {verb} at {ours[place][2]} ms, expected at {t_ms} ms"


def _speech(lines: Sequence[Line]) -> list[tuple[str, bool, int]]:
    entries = [
        (entry["sid"], bool(entry.get("active")), line.t_ms)
        for line in lines
        if line.kind == "speakers_changed"
        for entry in line.body["speakers"]
    ]
    return [next(group) for _, group in groupby(entries, key=lambda entry: entry[:2])]


def quality(ids: Ids, expected: Sequence[Line], got: Sequence[Line]) -> Iterator[str]:
    """Every judgement of the recording, at a 5 s step near its own."""
    ours = list(_judgements(got))
    for sid, grade, t_ms in dict.fromkeys(_judgements(expected)):
        near = [
            (name, seen)
            for name, seen, when in ours
            if seen == grade and abs(when - t_ms) <= _STEP_MS + 500 and ids.same(sid, name)
        ]
        if not near:
            yield f"connection_quality {grade} of {sid} missing, expected at {t_ms} ms"


def _judgements(lines: Sequence[Line]) -> Iterator[tuple[str, str, int]]:
    for line in lines:
        for update in line.body["updates"] if line.kind == "connection_quality" else ():
            # POOR is the default value, which a message leaves out
            yield update["participant_sid"], update.get("quality", "POOR"), line.t_ms


def rooms(ids: Ids, expected: Sequence[Line], got: Sequence[Line]) -> Iterator[str]:
    """The course of the room's counts and metadata."""
    theirs, ours = _course(expected), _course(got)
    if theirs and len(theirs) != len(ours):
        yield f"room_update: expected {len(theirs)} states of the room, got {len(ours)}: {ours}"
    for place, room in enumerate(theirs[: len(ours)]):
        yield from differences(ids, room, ours[place], f"room_update[{place}]")


def _course(lines: Sequence[Line]) -> list[dict[str, Any]]:
    seen = [line.body["room"] for line in lines if line.kind == "room_update"]
    return [state for state, _ in groupby(seen)]


def candidates(theirs: Line, ours: Line) -> Iterator[str]:
    """Addresses are the machine's own; protocol, kind, place and form are not."""
    expected, got = theirs.body["candidate"], ours.body["candidate"]
    for key, value in expected.items():
        known = value.replace(" loopback", "").replace(" ip", "") if key == "cand" else value
        if got.get(key) not in (known, value):
            yield f"trickle {key}: expected {known!r}, got {got.get(key)!r}"
