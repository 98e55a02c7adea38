"""A lead: what is known of somebody who called, merged from what was said when.

The agent sends changes; merge.lua merges them into `lead:ID`.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from shared.clock import from_ms
from shared.frozen import FrozenModel
from shared.profiles.model import CONTACT
from shared.webhook_payloads import LeadData

# Who said a value: the caller in words, the caller by typing, or the line itself (caller id).
ValueSource = Literal["caller", "typed", "line"]


class LeadChange(FrozenModel):
    """One field as it was just said.

    (`attempt`, `sequence`) orders changes of one call over all agents that held it: an older one
    never overwrites a newer one. `known` is False for a field that the profile does not have.
    """

    field: str
    value: Any
    attempt: int
    sequence: int
    source: ValueSource = "caller"
    known: bool = True

    @field_validator("value", mode="before")
    @classmethod
    def _writable(cls, value: object) -> object:
        """Half a surrogate pair, as a language model may write one, is no UTF-8: neither Redis nor
        the spool would take it.
        """
        return value.encode(errors="replace").decode() if isinstance(value, str) else value


class LeadContext(FrozenModel):
    """What a lead carries besides its fields: the call that it comes from."""

    lead_id: str
    call_id: str
    room: str
    channel: str
    caller: str | None
    account: str
    agent_id: str
    profile_version: str
    language: str
    required: tuple[str, ...]


class Lead(FrozenModel):
    """A merged lead. `final`: its call is over, so it is sent even when it is not complete."""

    context: LeadContext
    revision: int
    complete: bool
    final: bool
    values: dict[str, Any] = Field(default_factory=dict)
    extra: dict[str, Any] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict)
    captured_ms: int

    @property
    def postable(self) -> bool:
        return self.complete or self.final

    @classmethod
    def from_hash(cls, fields: Mapping[str, str]) -> "Lead":
        """From `lead:ID` as the merge script writes it."""
        values: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for name, text in fields.items():
            kind, _, key = name.partition(":")
            if kind == "v":
                values[key] = json.loads(text)
            elif kind == "x":
                extra[key] = json.loads(text)
            elif kind == "src":
                sources[key] = text
        return cls(
            context=LeadContext.model_validate_json(fields["context"]),
            revision=int(fields["revision"]),
            complete=fields.get("complete") == "1",
            final=fields.get("final") == "1",
            values=values,
            extra=extra,
            sources=sources,
            captured_ms=int(fields["captured_ms"]),
        )

    def webhook_data(self) -> LeadData:
        """The `data` of the webhook: contact at the top, the profile's other keys in `fields`."""
        return LeadData(
            **self.context.model_dump(exclude={"required"}),
            revision=self.revision,
            complete=self.complete,
            **{key: self.values.get(key) for key in CONTACT},
            fields={key: value for key, value in self.values.items() if key not in CONTACT},
            extra=self.extra,
            sources=self.sources,
            captured_at=from_ms(self.captured_ms),
        )
