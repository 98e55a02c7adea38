"""What becomes of the call's lead, read from the call's events."""

import asyncio
from collections.abc import Mapping
from typing import Any

from services.sandbox.caller.gateway_client import LogEntry
from services.sandbox.caller.script import CONTACT

TOP = (*CONTACT, "email")
# States of a delivery after which the caller need not wait for N8N.
DECIDED = ("acknowledged", "unconfirmed", "dead", "parked")


class Progress:
    """The lead as it fills, and its delivery. `changed` is set at each entry."""

    def __init__(self) -> None:
        self.lead: dict[str, Any] = {}
        self.delivery: dict[str, Any] = {}
        self.notices: list[str] = []
        self.ended: dict[str, Any] | None = None
        self.changed = asyncio.Event()

    def take(self, entry: LogEntry) -> None:
        data = entry.data
        match entry.type:
            case "lead":
                self._merge(data)
            case "delivery" if data.get("subject") == self.lead.get("lead_id"):
                self.delivery = {key: value for key, value in data.items() if key != "type"}
            case "notice":
                self.notices.append(str(data.get("text", "")))
            case "ended":
                self.ended = data
        self.changed.set()

    @property
    def settled(self) -> bool:
        """Whether it is decided what became of the newest revision."""
        return (
            bool(self.delivery)
            and self.delivery.get("state") in DECIDED
            and self.delivery.get("revision", 0) >= self.lead.get("revision", 0)
        )

    @property
    def acknowledged(self) -> bool:
        return self.settled and self.delivery.get("state") == "acknowledged"

    def value(self, key: str) -> Any:
        """A value of the lead; name and phone stand at its top, the rest under `fields`."""
        return self.lead.get(key) if key in TOP else self.lead.get("fields", {}).get(key)

    def _merge(self, data: Mapping[str, Any]) -> None:
        lead = self.lead or {"name": None, "phone": None, "email": None, "fields": {}}
        lead |= {key: data.get(key) for key in ("lead_id", "revision", "complete")}
        for key, value in (data.get("changed") or {}).items():
            if key in TOP:
                lead[key] = value
            else:
                lead["fields"][key] = value
        self.lead = lead


def differences(expected: Mapping[str, str], progress: Progress) -> list[str]:
    """What in the lead is not as expected: one line each."""
    return [
        f"{key}: expected {wanted!r}, found {progress.value(key)!r}"
        for key, wanted in expected.items()
        if not same(wanted, progress.value(key))
    ]


def same(expected: str, found: Any) -> bool:
    """Whether a lead's value, typed or not, is what the caller said."""
    if isinstance(found, bool):
        return expected == ("yes" if found else "no")
    if isinstance(found, int | float):
        try:
            return float(expected) == float(found)
        except ValueError:
            return False
    return bool(expected == found)


def as_in_lead(expected: Mapping[str, str], progress: Progress) -> dict[str, Any]:
    """What was expected, written as the lead writes it where both are the same value."""
    return {
        key: progress.value(key) if same(wanted, progress.value(key)) else wanted
        for key, wanted in expected.items()
    }
