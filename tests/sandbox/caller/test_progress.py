"""What `make call` says of the lead and of N8N's answer, and when it counts as success."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from services.sandbox.caller.gateway_client import LogEntry
from services.sandbox.caller.progress import Progress, as_in_lead, differences, same
from services.sandbox.caller.report import CallReport, ReportedTurn, Terminal
from services.sandbox.caller.room import Segment


def lead(revision: int, complete: bool = False, **changed: Any) -> LogEntry:
    data = {"lead_id": "L1", "revision": revision, "complete": complete, "changed": changed}
    return LogEntry("lead", data)


def delivery(state: str, revision: int, subject: str = "L1", **more: Any) -> LogEntry:
    return LogEntry("delivery", {"subject": subject, "revision": revision, "state": state, **more})


def after(*entries: LogEntry) -> Progress:
    progress = Progress()
    for entry in entries:
        progress.take(entry)
    return progress


def test_the_lead_fills_from_its_changes() -> None:
    """The JSON would hold an incomplete lead."""
    progress = after(
        lead(1, name="Asha"), lead(2, budget="80 lakh"), lead(3, True, name="Asha Verma")
    )
    assert progress.lead == {
        "lead_id": "L1",
        "revision": 3,
        "complete": True,
        "name": "Asha Verma",
        "phone": None,
        "email": None,
        "fields": {"budget": "80 lakh"},
    }
    assert (progress.value("name"), progress.value("budget")) == ("Asha Verma", "80 lakh")


@pytest.mark.parametrize(
    ("entries", "settled", "acknowledged"),
    [
        ([], False, False),
        ([delivery("scheduled", 2)], False, False),
        ([delivery("acknowledged", 1)], False, False),
        ([delivery("acknowledged", 2)], True, True),
        ([delivery("acknowledged", 2, subject="C1")], False, False),
        ([delivery("retrying", 2), delivery("acknowledged", 2)], True, True),
        ([delivery("unconfirmed", 2)], True, False),
        ([delivery("dead", 2)], True, False),
    ],
)
def test_success_is_an_acknowledged_last_revision(
    entries: list[LogEntry], settled: bool, acknowledged: bool
) -> None:
    """A call whose lead N8N never took, or took in an older state, would exit with 0."""
    progress = after(lead(1, name="A"), lead(2, phone="+91"), *entries)
    assert (progress.settled, progress.acknowledged) == (settled, acknowledged)


def test_what_differs_is_named() -> None:
    """A wrong lead would pass, or fail without a reason."""
    progress = after(lead(1, True, name="Asha", budget="80 lakh"))
    wanted = {"name": "Asha", "budget": "90 lakh", "location": "Pune"}
    assert differences(wanted, progress) == [
        "budget: expected '90 lakh', found '80 lakh'",
        "location: expected 'Pune', found None",
    ]


@pytest.mark.parametrize(
    ("expected", "found", "equal"),
    [
        ("3", 3, True),
        ("3", 3.0, True),
        ("3", 4, False),
        ("three", 3, False),
        ("yes", True, True),
        ("yes", False, False),
        ("no", False, True),
        ("Pune", "pune", False),
        ("Pune", None, False),
    ],
)
def test_typed_values_are_the_same_as_what_was_said(expected: str, found: Any, equal: bool) -> None:
    """A number field would never be as expected; a wrong one might."""
    assert same(expected, found) is equal


def test_expected_is_written_as_the_lead_writes_it() -> None:
    """Whoever compares the JSON's two halves would find 3 and "3" different."""
    progress = after(lead(1, True, rooms=3, name="Asha"))
    wanted = {"name": "Asha", "rooms": "3", "city": "Pune"}
    assert as_in_lead(wanted, progress) == {"name": "Asha", "rooms": 3, "city": "Pune"}


def test_the_json_has_the_shape_that_was_promised(tmp_path: Path) -> None:
    """Scripts that read it would break."""
    report = CallReport(
        "C1", "hi-IN", {"name": "आशा"}, {"lead_id": "L1"}, {"state": "acknowledged"}
    )
    report.turns = [
        ReportedTurn("agent", "नमस्ते"),
        ReportedTurn("caller", "आशा"),
        ReportedTurn("agent", "जी", 750),
    ]
    report.greeting_ms = 500
    path = tmp_path / "call.json"
    report.write(path)
    assert "नमस्ते" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "call_id": "C1",
        "language": "hi-IN",
        "expected": {"name": "आशा"},
        "lead": {"lead_id": "L1"},
        "delivery": {"state": "acknowledged"},
        "turns": [
            {"who": "agent", "text": "नमस्ते", "latency_ms": None},
            {"who": "caller", "text": "आशा", "latency_ms": None},
            {"who": "agent", "text": "जी", "latency_ms": 750},
        ],
        "greeting_ms": 500,
    }


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_transcript_grows_on_a_terminal_and_is_whole_elsewhere() -> None:
    """A log file would be full of half sentences; a terminal would stand still."""
    screen, file = Screen(), io.StringIO()
    for out in (screen, file):
        terminal = Terminal(out)
        terminal.grows("s1", Segment("agent", "Which"))
        terminal.grows("s1", Segment("agent", "Which area?"))
        terminal.grows("s1", Segment("agent", "Which area?", open=False))
        terminal.grows("s1", Segment("agent", "Which area?", open=False))
    assert file.getvalue() == " agent  Which area?\n"
    assert " agent  Which\r" in screen.getvalue()
    assert screen.getvalue().endswith(" agent  Which area?\n")


def test_the_summary_names_lead_and_answer() -> None:
    """The one line that people look for would be missing."""
    out = io.StringIO()
    report = CallReport(
        lead={"lead_id": "L1", "revision": 2, "name": "Asha", "phone": "+91", "fields": {}}
    )
    report.delivery = {"state": "acknowledged", "status": 200, "answer": '{"status":"accepted"}'}
    report.turns = [ReportedTurn("agent", "a", latency) for latency in (700, 800, 900)]
    Terminal(out).summary(report, ["budget: expected 'a', found 'b'"])
    text = out.getvalue()
    assert "median 800 ms" in text
    assert "p95 900 ms" in text
    assert 'N8N: acknowledged, status 200: {"status":"accepted"}' in text
    assert "not as the caller said: budget" in text
