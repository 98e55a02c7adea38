"""JSON Schemas of what we publish and post, for people who build on it: a part of `make docs`.

docs/schemas/webhooks/TYPE.json   what a destination of the leads service posts to N8N
docs/schemas/events/TYPE.json     the `data` of an event on a Redis stream
docs/schemas/README.md            which there are

They follow from the classes, so a new event or destination has its schema without an edit here.
"""

import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema

FOLDER = Path("docs/schemas")
DRAFT = "https://json-schema.org/draft/2020-12/schema"
README = """\
# What Bolchaal publishes and posts

Made by `make docs` from the classes in the code, a [JSON Schema](https://json-schema.org) for each.
Fields may be added at any time; ignore those that you do not know. None is renamed or removed.

## Webhooks: what N8N is posted

The header `webhook-id` is the same for every attempt at one thing: it tells what comes twice. The
workflows in [deploy/n8n](../../deploy/n8n/README.md) show what to answer.

| type | what it says |
|---|---|
{webhooks}
## Events: entries of Redis streams

`XRANGE bolchaal:calls - +` shows them. An entry has the fields `type`, `v` (version of the type),
`id` (UUIDv7, the same however often the event is delivered), `src` (the service that published it),
`traceparent` and `data` (JSON, whose schema is here). They carry ids and figures, never what a
caller said.

| type | v | stream | what it says |
|---|---|---|---|
{events}"""


class _WhatIsWritten(GenerateJsonSchema):
    """Every field is there, whatever has a default in the code, but those that may be left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema  # a title that repeats the field's name says nothing
        return False

    def field_is_required(self, field: Any, *_: Any, **__: Any) -> bool:
        return "serialization_exclude_if" not in field

    def default_schema(self, schema: Any) -> Any:
        return self.generate_inner(schema["schema"])


def render(root: Path) -> Iterator[tuple[Path, str | None]]:
    """Each file with the text that it should have; None for one that should not be there."""
    folder = root / FOLDER
    files = {folder / "README.md": _readme()}
    for cls in _payloads():
        files[folder / "webhooks" / f"{_type_of(cls)}.json"] = _text(_type_of(cls), _schema(cls))
    for cls in _events():
        schema = _schema(cls)
        # It travels beside the data.
        del schema["properties"]["id"]
        schema["required"].remove("id")
        files[folder / "events" / f"{cls.type}.json"] = _text(cls.type, schema)
    yield from files.items()
    for path in sorted(folder.rglob("*.*")):
        if path not in files:
            yield path, None


def _events() -> list[Any]:
    events = importlib.import_module("shared.events").ALL
    return sorted(events, key=lambda cls: str(cls.type))


def _payloads() -> list[Any]:
    """The bodies of all destinations, by their type."""
    registry = importlib.import_module("services.leads.destinations.registry")
    payloads = [get_args(cls.__orig_bases__[0])[1] for cls in registry.DESTINATIONS]
    return sorted(payloads, key=_type_of)


def _type_of(payload: Any) -> str:
    return str(payload.model_fields["type"].default)


def _schema(cls: Any) -> dict[str, Any]:
    schema: dict[str, Any] = cls.model_json_schema(
        mode="serialization", schema_generator=_WhatIsWritten
    )
    return schema


def _text(title: str, schema: dict[str, Any]) -> str:
    named = {"$schema": DRAFT, "title": title} | {**schema, "title": title}
    return json.dumps(named, indent=2, ensure_ascii=False) + "\n"


def _readme() -> str:
    webhooks = "".join(
        f"| [`{_type_of(cls)}`](webhooks/{_type_of(cls)}.json) | {_summary(cls)} |\n"
        for cls in _payloads()
    )
    events = "".join(
        f"| [`{cls.type}`](events/{cls.type}.json) | {cls.v} | `{cls.stream}` | {_summary(cls)} |\n"
        for cls in _events()
    )
    return README.format(webhooks=webhooks, events=events)


def _summary(cls: Any) -> str:
    """The first paragraph of the docstring, in one line."""
    return " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split())
