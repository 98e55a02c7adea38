"""Every row of what n8n was seen to answer, and what becomes of the lead."""

import json
from typing import Any

import pytest

from services.leads.delivery.response_policy import Answer, Backoff, judge

STILL = Backoff(first=1.0, longest=900.0, uniform=lambda low, _: low)


def _json(value: Any) -> str:
    return json.dumps(value)


NOT_REGISTERED = _json(
    {"code": 404, "message": 'The requested webhook "POST x" is not registered.', "hint": "..."}
)
WRONG_METHOD = _json(
    {"code": 404, "message": "This webhook is not registered for GET requests.", "hint": "..."}
)

UNCONFIRMED = ("unconfirmed", "none", True)

# answer, verdict, health of the destination, whether the workflow may still be at work
ROWS: list[tuple[str, Answer, str, str, bool]] = [
    ("accepted", Answer(200, _json({"status": "accepted"})), "acknowledged", "good", False),
    (
        "accepted before",
        Answer(200, _json({"status": "accepted", "duplicate": True})),
        "acknowledged",
        "good",
        False,
    ),
    ("a list of one", Answer(200, _json([{"status": "accepted"}])), "acknowledged", "good", False),
    ("created", Answer(201, _json({"status": "accepted"})), "acknowledged", "good", False),
    ("inactive or unknown path", Answer(404, NOT_REGISTERED), "retry", "bad", False),
    ("wrong method", Answer(404, WRONG_METHOD), "retry", "bad", False),
    ("a proxy's 404", Answer(404, "404 page not found"), "retry", "bad", False),
    ("wrong header", Answer(403, "Authorization data is wrong!"), "park", "refused", False),
    ("no credentials", Answer(401, ""), "park", "refused", False),
    (
        "malformed JSON",
        Answer(422, _json({"code": 422, "message": "Failed to parse request body"})),
        "dead",
        "good",
        False,
    ),
    ("rejected", Answer(422, _json({"status": "rejected", "errors": []})), "dead", "good", False),
    ("rejected with 200", Answer(200, _json({"status": "rejected"})), "dead", "good", False),
    (
        "a node throws",
        Answer(500, _json({"message": "Error in workflow"})),
        "retry",
        "bad",
        False,
    ),
    ("Respond node never reached", Answer(200, ""), "unconfirmed", "none", True),
    (
        "response mode onReceived",
        Answer(200, _json({"message": "Workflow was started"})),
        "unconfirmed",
        "none",
        True,
    ),
    ("a page of HTML", Answer(200, "<html>welcome</html>"), "unconfirmed", "none", True),
    ("no content", Answer(204, ""), "unconfirmed", "none", True),
    (
        "a list of two",
        Answer(200, _json([{"status": "accepted"}] * 2)),
        "unconfirmed",
        "none",
        True,
    ),
    ("n8n shuts down", Answer(500, "x"), "retry", "bad", False),
    ("starting", Answer(503, "n8n is starting up"), "retry", "bad", False),
    ("bad gateway", Answer(502, ""), "retry", "bad", True),
    ("gateway time-out", Answer(504, ""), "retry", "bad", True),
    ("request time-out", Answer(408, ""), "retry", "bad", True),
    ("too many", Answer(429, ""), "retry", "bad", False),
    ("redirect", Answer(301, ""), "park", "refused", False),
    ("bad request", Answer(400, ""), "dead", "none", False),
    ("too large for a proxy", Answer(413, ""), "dead", "none", False),
    ("refused", Answer(None, fault="refused"), "retry", "bad", False),
    ("time-out", Answer(None, fault="timeout"), "retry", "bad", True),
    ("reset", Answer(None, fault="reset"), "retry", "bad", True),
    ("not HTTP", Answer(None, fault="unreadable"), "retry", "bad", True),
]


@pytest.mark.parametrize(
    ("answer", "verdict", "health", "cautious"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_the_table(answer: Answer, verdict: str, health: str, cautious: bool) -> None:
    """A lead would be lost, sent twice, or tried for ever."""
    judged = judge(answer, 1, STILL)
    assert (judged.verdict, judged.health, judged.cautious) == (verdict, health, cautious)
    assert judged.why or judged.verdict == "acknowledged"


@pytest.mark.parametrize(("tries", "seconds"), [(1, 1), (2, 2), (5, 16), (11, 900), (99, 900)])
def test_backoff_doubles_up_to_a_quarter_of_an_hour(tries: int, seconds: float) -> None:
    """An N8N in trouble would be hammered, or a lead wait for hours after it is back."""
    assert judge(Answer(500), tries, STILL).delay == seconds


def test_jitter_spreads_the_retries() -> None:
    """All leads of an outage would come back in the same moment."""
    late = Backoff(first=1.0, longest=900.0, uniform=lambda _, high: high)
    assert late.delay(3) == 8.0
    assert late.delay(30) == 900.0


def test_retry_after_is_heeded_within_reason() -> None:
    """N8N's wish for a pause would be ignored, or a silly one stop deliveries for days."""
    assert judge(Answer(429, retry_after=30.0), 1, STILL).delay == 30.0
    assert judge(Answer(429, retry_after=1e9), 1, STILL).delay == 900.0
    assert judge(Answer(429, retry_after=0.0), 3, STILL).delay == 4.0
