"""The comparison itself: it must find what differs, or the replays prove nothing."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.sandbox.livekit.conformance.compare import Comparison, Rules
from tests.sandbox.livekit.conformance.flows import FLOWS
from tests.sandbox.livekit.conformance.recording import Line, load

_FULL = pytest.param("a1", marks=pytest.mark.full)  # the longest: each change is compared anew
_SAMPLES = (_FULL, "b1", "b2", "c2", "c4", "d1", "d3", "e1", "e2", "g1", "g3")
_FREE = {"trickle", "pong", "pong_resp", "speakers_changed", "connection_quality", "ws-ping"}


def _compare(name: str, lines: list[Line]) -> list[str]:
    return Comparison(load(name), lines, FLOWS[name][1]).run()


def _replay(name: str) -> list[Line]:
    """A replay that went as recorded, with the tokens that the recording only counts."""
    recording = load(name)
    lines = list(recording.lines)
    for dropped, number in recording.dropped.items():
        channel, direction, kind = dropped.rsplit(" ", 2)
        if kind == "refresh_token":
            lines += [Line(lines[-1].t_ms, channel, direction, kind)] * number
    return lines


def _telling(name: str) -> Iterator[int]:
    """Places of the server's messages that must come, each one by itself."""
    seen: list[tuple[str, str, Any]] = []
    for place, line in enumerate(load(name).lines):
        key = (line.channel, line.kind, line.body)
        repeated = key in seen  # a repeat may be taken for the client's retry
        seen.append(key)
        if line.direction in ("s>c", "s>hook") and line.kind not in _FREE and not repeated:
            yield place


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of all numbers, truths and plain texts."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        if isinstance(child, (dict, list)):
            yield from _leaves(child, (*path, key))
        elif not (isinstance(child, str) and child.startswith("<")):
            yield (*path, key)


def _changed(body: Any, path: tuple[str | int, ...]) -> Any:
    body = copy.deepcopy(body)
    holder = body
    for key in path[:-1]:
        holder = holder[key]
    value = holder[path[-1]]
    holder[path[-1]] = (not value) if isinstance(value, bool) else f"{value}!"
    return body


@pytest.mark.parametrize("name", FLOWS)
def test_a_recording_equals_itself(name: str) -> None:
    """A comparison that complains without reason would be switched off."""
    assert _compare(name, _replay(name)) == []


@pytest.mark.parametrize("name", _SAMPLES)
def test_a_missing_message_is_found(name: str) -> None:
    """A server that says less than the real one would pass."""
    for place in _telling(name):
        lines = _replay(name)
        gone = lines.pop(place)
        assert _compare(name, lines), f"nobody missed {gone}"


@pytest.mark.parametrize("name", [_FULL, "b1", "c1", "c4", "d1", "d4", "g3"])
def test_a_wrong_field_is_found(name: str) -> None:
    """A server that says something else than the real one would pass."""
    ignored = {"nonce", "score", "slim", "urls", "claims_keys", "level"}
    seen: set[tuple[str, str]] = set()
    for place, line in enumerate(load(name).lines):
        kind = (line.channel.partition(":")[0], line.kind)
        if line.direction not in ("s>c", "s>hook") or not line.body or kind in seen:
            continue
        seen.add(kind)
        for path in _leaves(line.body):
            if ignored.intersection(map(str, path)):
                continue
            lines = _replay(name)
            lines[place] = replace(line, body=_changed(line.body, path))
            assert _compare(name, lines), f"nobody saw {path} changed in {line}"


def test_another_id_is_found() -> None:
    """A message about somebody else would pass for the right one."""
    lines = copy.deepcopy(load("d1").lines)
    left = next(line for line in lines if line.kind == "participant_left")
    left.body["participant"]["sid"] = "<PA_1>"
    assert any("sid" in text for text in _compare("d1", lines))


def test_another_order_is_found() -> None:
    """room_finished before participant_left would confuse every receiver of webhooks."""
    lines = list(load("e1").lines)
    places = [place for place, line in enumerate(lines) if line.channel == "webhook"]
    first, second = places[0], places[1]
    lines[first], lines[second] = lines[second], lines[first]
    assert _compare("e1", lines)


def test_a_late_message_is_found() -> None:
    """A timeout of another length would pass."""
    lines = copy.deepcopy(load("d2").lines)
    next(line for line in lines if line.kind == "room_finished").t_ms += 3000
    assert any("room_finished" in text for text in _compare("d2", lines))


def test_a_message_too_many_is_found() -> None:
    """An agent that is terminated twice, or a second answer, would pass."""
    lines = list(load("c2").lines)
    place = next(place for place, line in enumerate(lines) if line.kind == "termination")
    lines.insert(place, copy.deepcopy(lines[place]))
    assert any("unexpected" in text for text in _compare("c2", lines))


def test_one_who_never_spoke_is_found() -> None:
    """Speaker updates are compared loosely, but not so loosely that none will do."""
    lines = [line for line in _replay("a1") if line.kind != "speakers_changed"]
    assert any("speakers_changed" in text for text in _compare("a1", lines))


def test_rules_are_strict_by_default() -> None:
    """A flow that is added without thought is compared with all counts and times."""
    assert Rules().counts
    assert Rules().tolerance_ms < 2000
