"""Whether two bodies say the same: exact, but for what the recordings' README calls random."""

import re
from collections.abc import Iterator
from typing import Any

from tests.sandbox.livekit.conformance import descriptions

_PLACEHOLDER = re.compile(r"<([A-Z]+)_(\d+)>")
_LIFETIME = re.compile(r"<nbf\+(-?\d+)s>")
_LIFETIME_SLACK = 2  # seconds: tokens are dated twice, by two clocks that tick in whole seconds
_MISSING = object()

ON_PURPOSE = frozenset(("ice_servers", "enabled_publish_codecs"))
"""Fields in which the development server differs, and says so: it names no STUN servers (clients
would ask the internet), and it carries audio only."""

_RANDOM = frozenset(("nonce", "score", "after_s", "lk.segment_id"))


class Ids:
    """Which placeholder of the recording stands for which of the replay: one for one."""

    def __init__(self) -> None:
        self._theirs: dict[str, str] = {}
        self._ours: dict[str, str] = {}

    def same(self, expected: str, got: str) -> bool:
        """Equal but for the numbers of placeholders, and those pair up as they did before."""
        if _PLACEHOLDER.sub(r"<\1>", expected) != _PLACEHOLDER.sub(r"<\1>", got):
            return False
        pairs = zip(_PLACEHOLDER.finditer(expected), _PLACEHOLDER.finditer(got), strict=True)
        agree = [self._pair(theirs[0], ours[0]) for theirs, ours in pairs]  # all, to learn them
        return all(agree)

    def _pair(self, theirs: str, ours: str) -> bool:
        return (
            self._theirs.setdefault(theirs, ours) == ours
            and self._ours.setdefault(ours, theirs) == theirs
        )


def differences(ids: Ids, expected: Any, got: Any, path: str = "") -> Iterator[str]:
    """One line a difference: `path: expected ..., got ...`."""
    if isinstance(expected, dict) and isinstance(got, dict):
        yield from _of_dicts(ids, expected, got, path)
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _of_lists(ids, expected, got, path)
    elif isinstance(expected, str) and isinstance(got, str):
        if not _same_text(ids, expected, got):
            yield f"{path}: expected {expected!r}, got {got!r}"
    elif expected != got:
        if expected == "<jwt, as the first>" and isinstance(got, dict):
            return
        yield f"{path}: expected {_short(expected)}, got {_short(got)}"


def _same_text(ids: Ids, expected: str, got: str) -> bool:
    theirs, ours = _LIFETIME.fullmatch(expected), _LIFETIME.fullmatch(got)
    if theirs and ours:
        return abs(int(theirs[1]) - int(ours[1])) <= _LIFETIME_SLACK
    return ids.same(expected, got)


def _of_dicts(ids: Ids, expected: dict[str, Any], got: dict[str, Any], path: str) -> Iterator[str]:
    for key in sorted({*expected, *got} - ON_PURPOSE - _RANDOM):
        theirs, ours = expected.get(key, _MISSING), got.get(key, _MISSING)
        where = f"{path}.{key}".lstrip(".")
        if key == "sdp" and isinstance(theirs, dict) and isinstance(ours, list):
            yield from _of_descriptions(ids, theirs, ours, where)
        elif key == "version" and _is_count(theirs) and _is_count(ours):
            # Publishing raises it twice at once; what a message shows of that is chance.
            slack = 1 if expected.get("is_publisher") or expected.get("isPublisher") else 0
            if abs(theirs - ours) > slack:
                yield f"{where}: expected {theirs}, got {ours}"
        elif theirs is _MISSING and key == "jobs":
            continue  # the real server may list a dispatch's jobs five seconds late (rule 33)
        elif theirs is _MISSING:
            yield f"{where}: unexpected {_short(ours)}"
        elif ours is _MISSING:
            yield f"{where}: missing, expected {_short(theirs)}"
        else:
            yield from differences(ids, theirs, ours, where)


def _is_count(value: Any) -> bool:
    return isinstance(value, int)


def _of_lists(ids: Ids, expected: list[Any], got: list[Any], path: str) -> Iterator[str]:
    if len(expected) != len(got):
        yield f"{path}: expected {len(expected)} entries, got {len(got)}: {_short(got)}"
        return
    pairs = zip(_ordered(expected), _ordered(got), strict=True)
    for index, (theirs, ours) in enumerate(pairs):
        yield from differences(ids, theirs, ours, f"{path}[{index}]")


def _ordered(items: list[Any]) -> list[Any]:
    """Sets of participants and of dispatches have no order of their own."""
    if not all(isinstance(item, dict) for item in items):
        return items
    if any("identity" in item for item in items):
        return sorted(items, key=lambda item: (item["identity"], item.get("version", 0)))
    if any("agent_name" in item for item in items):
        return sorted(items, key=lambda i: (i.get("agent_name", ""), i.get("metadata", "")))
    return items


def _of_descriptions(
    ids: Ids, expected: dict[str, Any], got: list[dict[str, Any]], path: str
) -> Iterator[str]:
    sections = descriptions.recorded(expected)
    if len(sections) != len(got):
        yield f"{path}: expected {len(sections)} sections, got {len(got)}"
        return
    for theirs, ours in zip(sections, got, strict=True):
        # Candidates stand in the first section of the bundle; how many is the machine's affair.
        known = {key: ours.get(key) for key in theirs}
        yield from differences(ids, theirs, known, f"{path}[mid {theirs['mid']}]")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
