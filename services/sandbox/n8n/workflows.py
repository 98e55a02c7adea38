"""What the three shipped workflows do with a request, without the network.

Each looks into its table, works for a while, writes its row and answers. It goes on after the
client has hung up, and two that overlap do not see each other: that is how n8n behaves.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.sandbox.n8n.records import Received

WorkflowAnswer = tuple[int, dict[str, Any]]


class Profiles:
    """Profiles from a dict, or from a folder of ID.json that is read anew each time."""

    def __init__(self, source: Mapping[str, Mapping[str, Any]] | Path) -> None:
        self._folder = source if isinstance(source, Path) else None
        self._table = {} if isinstance(source, Path) else {k: dict(v) for k, v in source.items()}

    def get(self, agent_id: str) -> dict[str, Any] | None:
        if agent_id in self._table:
            return self._table[agent_id]
        if self._folder is None or "/" in agent_id or agent_id.startswith("."):
            return None
        path = self._folder / f"{agent_id}.json"
        if not path.is_file():
            return None
        profile: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return profile

    def put(self, agent_id: str, profile: dict[str, Any]) -> None:
        self._table[agent_id] = profile

    def remove(self, agent_id: str) -> None:
        self._table.pop(agent_id, None)


def etag(profile: Mapping[str, Any]) -> str:
    text = json.dumps(profile, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def signature_fault(secret: str, headers: Mapping[str, str], body: bytes) -> str | None:
    """Why the Standard Webhooks signature is wrong; None when one of those given is right."""
    missing = [
        name
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        if not headers.get(name)
    ]
    if missing:
        return f"missing {', '.join(missing)}"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return "the receiver's secret is not base64"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers["webhook-signature"].split()
    if any(hmac.compare_digest(each, f"v1,{wanted}") for each in given):
        return None
    return "signature does not match"


def check_lead(payload: Any, row: Received) -> tuple[dict[str, Any], list[str]]:
    """The lead's data, and what is wrong with it. Fills subject and revision of the row."""
    errors = []
    if not isinstance(payload, dict) or payload.get("type") != "lead.captured":
        return {}, ["type must be lead.captured"]
    data = payload.get("data")
    if not isinstance(data, dict):
        return {}, ["data must be an object"]
    lead_id, revision = data.get("lead_id"), data.get("revision")
    if not isinstance(lead_id, str) or not lead_id:
        errors.append("data.lead_id must be text")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 1:
        errors.append("data.revision must be a number from 1 up")
    if not isinstance(data.get("complete"), bool):
        errors.append("data.complete must be true or false")
    elif data["complete"] and not (data.get("name") and data.get("phone")):
        errors.append("a complete lead has a name and a phone")
    if not errors:
        row.subject, row.revision = str(lead_id), int(str(revision))
    return data, errors


def check_call(payload: Any, row: Received) -> tuple[dict[str, Any], list[str]]:
    """The same for call.ended."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, dict) or payload.get("type") != "call.ended":
        return {}, ["type must be call.ended"]
    if not isinstance(data.get("call_id"), str) or not data["call_id"]:
        return data, ["data.call_id must be text"]
    row.subject, row.revision = data["call_id"], 1
    return data, []


def accepted(row: Received, *, duplicate: bool) -> WorkflowAnswer:
    """The acknowledgement that our senders look for."""
    if row.path == "call-ended":
        return 200, {"status": "accepted", "call_id": row.subject, "duplicate": duplicate}
    return 200, {
        "status": "accepted",
        "lead_id": row.subject,
        "revision": row.revision,
        "duplicate": duplicate,
    }


def rejected(errors: list[str]) -> WorkflowAnswer:
    return 422, {"status": "rejected", "errors": errors}
