"""What the N8N stand-in received and recorded, for tests that judge deliveries."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Received:
    """One request. Times are seconds since 1970; None: did not happen.

    `finished` is when the workflow was through, `recorded` when it wrote its row, `acknowledged`
    when the answer with the acknowledgement had been sent to a client that was still there.
    """

    path: str
    key: str
    subject: str
    revision: int
    begun: float
    finished: float | None = None
    recorded: float | None = None
    acknowledged: float | None = None
    status: int | None = None
    fault: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Records:
    """Rows by lead id (the highest revision), every row ever written, every request received."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.received: list[Received] = []
        self.leads: dict[str, dict[str, Any]] = {}
        self.calls: dict[str, dict[str, Any]] = {}
        self._written: dict[tuple[str, str], list[Received]] = {}

    def begin(self, path: str, headers: dict[str, str]) -> Received:
        row = Received(path, headers.get("webhook-id", ""), "", 0, self._now(), headers=headers)
        self.received.append(row)
        return row

    def knows(self, row: Received) -> bool:
        """Whether this key, or a higher revision of its subject, has been recorded."""
        return any(
            (row.key and other.key == row.key) or other.revision >= row.revision
            for other in self._written.get((row.path, row.subject), ())
        )

    def record(self, row: Received, data: dict[str, Any]) -> None:
        """Writes the row, as a workflow does that looked before it began to work."""
        row.recorded = self._now()
        self._written.setdefault((row.path, row.subject), []).append(row)
        table = self.leads if row.path == "lead-capture" else self.calls
        known = table.get(row.subject)
        if known is None or int(known.get("revision", 1)) < row.revision:
            table[row.subject] = data

    def finish(self, row: Received, status: int) -> None:
        row.finished = self._now()
        row.status = status

    def acknowledge(self, row: Received) -> None:
        row.acknowledged = self._now()

    def clear(self) -> None:
        self.received.clear()
        self.leads.clear()
        self.calls.clear()
        self._written.clear()

    def listing(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self.received]
