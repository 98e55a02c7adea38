"""The verdict: what was captured against what the receiver recorded."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.sandbox.n8n.records import Received
from tests.chaos.plan import Script


@dataclass(frozen=True)
class Verdict:
    leads: int
    captured: int
    delivered: int
    lost: int
    duplicates: int
    out_of_order: int
    kills: int
    faults: int

    def line(self) -> str:
        return (
            f"captured {self.captured} delivered {self.delivered} lost {self.lost}"
            f" duplicates-recorded {self.duplicates} out-of-order {self.out_of_order}"
            f" kills {self.kills} faults {self.faults}"
        )

    @property
    def good(self) -> bool:
        return (
            self.delivered == self.captured == self.leads
            and self.lost == self.duplicates == self.out_of_order == 0
            and self.kills >= 10
            and self.faults > self.leads / 10
        )


def judge(
    scripts: Sequence[Script],
    saved: Mapping[int, int],
    rows: Mapping[str, Mapping[str, Any]],
    received: Iterable[Received],
    *,
    kills: int,
    faults: int,
) -> Verdict:
    """`saved` maps a lead's number to the steps said to be saved, `rows` are the receiver's."""
    captured = [one for one in scripts if saved.get(one.number, 0) >= len(one.steps)]
    delivered = sum(arrived(one, rows.get(one.context.lead_id)) for one in captured)
    posts = [post for post in received if post.path == "lead-capture"]
    return Verdict(
        leads=len(scripts),
        captured=len(captured),
        delivered=delivered,
        lost=len(captured) - delivered,
        duplicates=duplicates(posts),
        out_of_order=out_of_order(posts),
        kills=kills,
        faults=faults,
    )


def arrived(one: Script, row: Mapping[str, Any] | None) -> bool:
    """Everything that was said to be saved is in the row."""
    return row is not None and all(row.get(name) == value for name, value in one.values.items())


def duplicates(posts: Iterable[Received]) -> int:
    """Keys that were recorded more than once, each time beyond the first."""
    recorded = Counter(f"{p.subject}.{p.revision}" for p in posts if p.recorded is not None)
    return sum(recorded.values()) - len(recorded)


def out_of_order(posts: Sequence[Received]) -> int:
    """Posts that began after a higher revision of their lead had been acknowledged."""
    by_lead: dict[str, list[Received]] = {}
    for post in posts:
        by_lead.setdefault(post.subject, []).append(post)
    return sum(
        any(
            other.revision > post.revision
            and other.acknowledged is not None
            and other.acknowledged < post.begun
            for other in each
        )
        for each in by_lead.values()
        for post in each
    )
