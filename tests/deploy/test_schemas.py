"""deploy/schemas.py: the JSON Schemas that people build N8N workflows on."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy import docs, schemas
from shared.events import ALL, CallEnded
from shared.events.wire import to_fields

SCHEMAS = docs.ROOT / schemas.FOLDER
GOLDEN = docs.ROOT / "tests" / "leads" / "golden"
PYTHON = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


def faults(value: Any, schema: dict[str, Any], defs: dict[str, Any], at: str = "") -> list[str]:
    """Where a value is not what the schema says; what is not in the schema is a fault, too."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        tried = [faults(value, each, defs, at) for each in schema["anyOf"]]
        return min(tried, key=len)
    kind = schema.get("type")
    if kind == "null":
        return [] if value is None else [f"{at}: not null"]
    if kind and not isinstance(value, PYTHON[kind]):
        return [f"{at}: no {kind}"]
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return [f"{at}: {value!r}"]
    found = []
    if "properties" in schema:
        found += [f"{at}.{name}: missing" for name in schema["required"] if name not in value]
        for name, each in value.items():
            inner = schema["properties"].get(name)
            found += faults(each, inner, defs, f"{at}.{name}") if inner else [f"{at}.{name}: new"]
    if "items" in schema:
        found += [fault for each in value for fault in faults(each, schema["items"], defs, at)]
    return found


def load(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return schema


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_what_is_posted_is_what_the_schema_says(golden: Path) -> None:
    """A workflow that checks what it gets would refuse our leads."""
    posted = json.loads(golden.read_text("utf-8"))
    schema = load(SCHEMAS / "webhooks" / f"{posted['type']}.json")
    assert faults(posted, schema, schema["$defs"]) == []
    if posted["data"].get("transcript"):
        posted["data"]["transcript"][0]["who"] = "nobody"
        del posted["data"]["lead"]["name"]
        assert faults(posted, schema, schema["$defs"]) == [
            ".data.transcript.who: 'nobody'",
            ".data.lead.name: missing",
        ]


def test_an_event_is_what_its_schema_says() -> None:
    event = CallEnded(call_id="c", how="failed", outcome="no_lead", duration_ms=1)
    data = json.loads(to_fields(event, "test")["data"])
    assert faults(data, load(SCHEMAS / "events" / "call.ended.json"), {}) == []


def test_every_event_and_every_field_of_all_is_explained() -> None:
    """A name alone makes people guess, and build on the guess."""
    files = sorted(SCHEMAS.glob("*/*.json"))
    assert {path.stem for path in files if path.parent.name == "events"} == {
        cls.type for cls in ALL
    }
    bare = []
    for path in files:
        schema = load(path)
        for part in (schema, *schema.get("$defs", {}).values()):
            assert part["description"]
            bare += [
                f"{path.name}: {name}"
                for name, each in part["properties"].items()
                if not _explained(each)
            ]
    assert bare == []


def _explained(field: dict[str, Any]) -> bool:
    return any(
        "description" in each or "$ref" in each or "const" in each
        for each in (field, *field.get("anyOf", []))
    )


def test_a_schema_that_nothing_has_any_more_is_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """People would build on an event that never comes."""
    for path, text in schemas.render(tmp_path):
        assert text is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert all(path.read_text("utf-8") == text for path, text in schemas.render(tmp_path) if text)
    old = tmp_path / schemas.FOLDER / "events" / "call.dreamt.json"
    old.write_text("{}", "utf-8")
    assert [path for path, text in schemas.render(tmp_path) if text is None] == [old]
