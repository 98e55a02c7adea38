"""What a call leaves behind: lines in the terminal while it lasts, and a JSON file."""

import json
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from services.sandbox.caller.room import Segment


@dataclass(slots=True)
class ReportedTurn:
    """One side's turn. `latency_ms`: from our last voiced sample to the agent's first."""

    who: str
    text: str
    latency_ms: int | None = None


@dataclass(slots=True)
class CallReport:
    """The JSON of a call, as it is filled."""

    call_id: str = ""
    language: str = ""
    expected: dict[str, Any] = field(default_factory=dict)
    lead: dict[str, Any] = field(default_factory=dict)
    delivery: dict[str, Any] = field(default_factory=dict)
    turns: list[ReportedTurn] = field(default_factory=list)
    greeting_ms: int | None = None

    def latencies(self) -> list[int]:
        return [turn.latency_ms for turn in self.turns if turn.latency_ms is not None]

    def data(self) -> dict[str, Any]:
        return {
            "call_id": self.call_id,
            "language": self.language,
            "expected": self.expected,
            "lead": self.lead,
            "delivery": self.delivery,
            "turns": [
                {"who": turn.who, "text": turn.text, "latency_ms": turn.latency_ms}
                for turn in self.turns
            ],
            "greeting_ms": self.greeting_ms,
        }

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.data(), ensure_ascii=False, indent=2) + "\n", "utf-8")


class Terminal:
    """Prints transcripts as they grow: on a terminal in place, elsewhere once they are whole."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._live = out.isatty()
        self._printed: dict[str, str] = {}
        self._current: str | None = None

    def line(self, text: str = "") -> None:
        self._end_current()
        self._out.write(f"{text}\n")
        self._out.flush()

    def grows(self, segment_id: str, segment: Segment) -> None:
        """A piece of transcript has come."""
        if not segment.text or self._printed.get(segment_id) == segment.text:
            return
        if self._live and segment.open:
            if self._current not in (None, segment_id):
                self._end_current()
            self._current = segment_id
            self._out.write(f"\r\x1b[2K{_spoken(segment)}")
            self._out.flush()
        elif not segment.open:
            if self._current == segment_id:
                self._out.write("\r\x1b[2K")
                self._current = None
            self._printed[segment_id] = segment.text
            self.line(_spoken(segment))

    def summary(self, report: CallReport, differences: list[str]) -> None:
        latencies = sorted(report.latencies())
        if latencies:
            p95 = latencies[min(len(latencies) - 1, int(len(latencies) * 0.95))]
            self.line(
                f"latency of {len(latencies)} turns: median {statistics.median(latencies):.0f} ms,"
                f" p95 {p95} ms; greeting {report.greeting_ms} ms"
            )
        lead = report.lead
        self.line(f"lead {lead.get('lead_id', 'none')}, revision {lead.get('revision', 0)}")
        for key in ("name", "phone"):
            self.line(f"  {key}: {lead.get(key)}")
        for key, value in (lead.get("fields") or {}).items():
            self.line(f"  {key}: {value}")
        delivery = report.delivery
        answer = delivery.get("answer") or "no answer"
        self.line(
            f"N8N: {delivery.get('state', 'not delivered')}, "
            f"status {delivery.get('status', 'none')}: {answer}"
        )
        for difference in differences:
            self.line(f"  not as the caller said: {difference}")

    def _end_current(self) -> None:
        if self._current is not None:
            self._out.write("\n")
            self._current = None


def _spoken(segment: Segment) -> str:
    return f"{segment.who:>6}  {segment.text}"
