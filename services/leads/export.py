"""Leads as a file: for a spreadsheet, or for a program."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from shared.deliveries import LEAD_CAPTURE, Deliveries, DeliveryState
from shared.leads import Leads

PAGE = 500  # leads read at a time
FIRST = ("lead_id", "revision", "delivery", "name", "phone", "email")


async def collect(
    redis: Redis,
    state: DeliveryState | None,
    limit: int,
    *,
    progress: Callable[[Sequence[int]], Iterable[int]],
) -> list[dict[str, Any]]:
    """Leads as their webhook has them, with `delivery` (the state) added; the newest first."""
    deliveries, leads = Deliveries(redis), Leads(redis, source="cli")
    if state:
        chosen = await deliveries.latest(LEAD_CAPTURE, state=state, limit=limit)
        subjects = [each.subject for each in chosen]
    else:
        subjects = await leads.latest_ids(limit)
    found = []
    for start in progress(range(0, len(subjects), PAGE)):
        read = await leads.many(subjects[start : start + PAGE])
        states = {
            each.subject: each.state
            for each in await deliveries.many(LEAD_CAPTURE, [one.context.lead_id for one in read])
        }
        for lead in read:
            delivered = states.get(lead.context.lead_id, "scheduled")
            found.append({**lead.webhook_data().model_dump(), "delivery": delivered})
    return found


def write(path: Path, leads: list[dict[str, Any]]) -> None:
    """A .csv has a column a field; a .jsonl has an object a line."""
    if path.suffix == ".jsonl":
        _write_jsonl(path, leads)
    else:
        _write_csv(path, leads)


def _write_jsonl(path: Path, leads: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(json.dumps(lead, ensure_ascii=False) + "\n" for lead in leads)


def _write_csv(path: Path, leads: list[dict[str, Any]]) -> None:
    """With a byte-order mark: Excel takes a CSV without one for an 8-bit encoding."""
    rows = [_flat(lead) for lead in leads]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [*FIRST, *(name for name in names if name not in FIRST)]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _flat(lead: dict[str, Any]) -> dict[str, Any]:
    """One level: fields.budget, extra.note."""
    row: dict[str, Any] = {}
    for name, value in lead.items():
        if isinstance(value, dict):
            row |= {f"{name}.{key}": _safe(each) for key, each in value.items()}
        else:
            row[name] = _safe(value)
    return row


def _safe(value: Any) -> Any:
    """A spreadsheet takes a text that begins with = + - @ for a formula: callers say such things.

    A phone number in E.164 stays as it is.
    """
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    return value if value[1:].isdecimal() and value[0] == "+" else f"'{value}"
