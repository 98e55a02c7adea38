"""The prelude of Lua scripts: Redis TIME, and events that Python encodes and a script completes."""

import json
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from redis.asyncio import Redis

from shared.events.base import Event
from shared.events.wire import for_script, from_fields
from shared.redis.client import now_ms
from shared.redis.scripts import flat, load_script, pairs

STREAM = "bolchaal:test"
AT_MS = 1_764_000_000_123


class Measured(Event):
    type: ClassVar[str] = "test.measured"
    v: ClassVar[int] = 3
    stream: ClassVar[str] = STREAM
    at_ms: int = AT_MS
    names: list[str]
    nested: dict[str, Any]
    text: str = 'बोलचाल "quoted" \\ / \n { } ] ,'
    revision: int = 0
    postable: bool = False
    note: str = ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for scripts of the test's own."""
    (tmp_path / "library.lua").write_text("local function twice(n) return 2 * n end\n")
    (tmp_path / "now.lua").write_text("return {now_ms(), tostring(twice(now_ms()))}")
    (tmp_path / "emit.lua").write_text("return emit(KEYS[1], ARGV[1], cjson.decode(ARGV[2]))")
    (tmp_path / "member.lua").write_text("return with_member(ARGV[1], 'n', ARGV[2])")
    return tmp_path


async def test_a_script_has_the_prelude_and_its_libraries(redis: Redis, folder: Path) -> None:
    """Each script would bring a clock of its own, and one of them would be wrong."""
    before = await now_ms(redis)
    now, doubled = await load_script(redis, str(folder / "module.py"), "now", "library")()
    assert before <= now <= await now_ms(redis)
    assert int(doubled) == 2 * now, "13 digits stay 13 digits as text, too"


async def test_an_event_comes_out_of_a_script_as_it_went_in(redis: Redis, folder: Path) -> None:
    """A time that loses its last digits or an empty list that becomes {} is a wrong event."""
    nested = {"empty": [], "object": {}, "deep": {"list": [[], {}, [1.5]]}}
    event = Measured(names=[], nested=nested, revision=7, postable=True, note='"क" \\')
    entry_id = await load_script(redis, str(folder / "module.py"), "emit")(
        keys=[STREAM],
        args=[
            for_script(event, "test", without={"revision", "postable", "note"}),
            json.dumps(["revision", "7", "postable", "true", "note", json.dumps(event.note)]),
        ],
    )
    ((stored_id, fields),) = cast("Any", await redis.xrange(STREAM))
    assert stored_id == entry_id
    assert {name: fields[name] for name in ("type", "v", "id", "src", "traceparent")} == {
        "type": "test.measured",
        "v": "3",
        "id": event.id,
        "src": "test",
        "traceparent": "",
    }
    assert from_fields(Measured, fields) == event
    assert json.loads(fields["data"]) == event.model_dump(mode="json", exclude={"id"})
    assert f'"at_ms":{AT_MS}' in fields["data"]


@pytest.mark.parametrize(
    ("json_", "value", "expected"),
    [
        ("{}", "1", {"n": 1}),
        ('{"a":[]}', str(AT_MS), {"a": [], "n": AT_MS}),
        ('{"a":9007199254740993}', "true", {"a": 9007199254740993, "n": True}),
        ('{"a":{}}', "null", {"a": {}, "n": None}),
        ('{"a":"}"}', '"தமிழ்"', {"a": "}", "n": "தமிழ்"}),
        ('{"a":{"b":[{}]}}', "[]", {"a": {"b": [{}]}, "n": []}),
    ],
)
async def test_a_member_is_added_and_nothing_else_changes(
    redis: Redis, folder: Path, json_: str, value: str, expected: dict[str, Any]
) -> None:
    """What a script does not know would be rewritten by it."""
    script = load_script(redis, str(folder / "module.py"), "member")
    assert json.loads(await script(args=[json_, value])) == expected


def test_fields_become_a_flat_list_and_fields_again() -> None:
    """Values would move to the neighbouring name."""
    fields = {"a": "1", "b": "", "c": "a"}
    assert flat(fields) == ["a", "1", "b", "", "c", "a"]
    assert pairs(flat(fields)) == fields
    assert pairs([]) == {}
