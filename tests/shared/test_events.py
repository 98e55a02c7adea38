"""The contracts of events: what old and new replicas, and history, read."""

import importlib
import pkgutil

import pytest

import shared.events
from shared.events import ALL, CallEnded, Event
from shared.events.wire import from_fields, to_fields


def test_every_event_is_in_the_list_of_all() -> None:
    """Its schema would be missing from docs/, and no test would go over it."""
    for module in pkgutil.iter_modules(shared.events.__path__, "shared.events."):
        importlib.import_module(module.name)
    of_the_product = {
        cls for cls in Event.__subclasses__() if cls.__module__.startswith("shared.events.")
    }
    assert set(ALL) == of_the_product
    assert len(ALL) == len(of_the_product)


def test_types_and_streams_are_the_frozen_ones() -> None:
    """Yesterday's replicas, and history, know an event by these."""
    assert {(cls.type, cls.v, cls.stream) for cls in ALL} == {
        ("call.requested", 1, "bolchaal:calls"),
        ("call.started", 1, "bolchaal:calls"),
        ("call.resumed", 1, "bolchaal:calls"),
        ("call.ended", 1, "bolchaal:calls"),
        ("lead.changed", 1, "bolchaal:leads"),
        ("profile.wanted", 1, "bolchaal:profiles.wanted"),
    }


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.type)
def test_an_event_has_a_schema_for_people(cls: type[Event]) -> None:
    """Who writes a workflow could not look up what a field means."""
    schema = cls.model_json_schema()
    assert schema["description"].strip()
    assert {"id", "at"} <= set(schema["properties"])


def test_an_event_is_read_as_it_was_written() -> None:
    """A field would be lost on the way."""
    event = CallEnded(
        call_id="c", how="room_closed", outcome="no_lead", duration_ms=1_764_000_000_123
    )
    fields = to_fields(event, "gateway", "00-a-b-01")
    assert (fields["v"], fields["src"], fields["traceparent"]) == ("1", "gateway", "00-a-b-01")
    assert from_fields(CallEnded, fields) == event
