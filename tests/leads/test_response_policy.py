"""Every row of what n8n was seen to answer, and what becomes of the lead."""

import json
from typing import Any

import pytest

from services.leads.delivery.response_policy import Answer, decide
from services.leads.setup import JITTER
from shared.backoff import Backoff

STILL = Backoff(first=1.0, longest=900.0, jitter=JITTER, uniform=lambda low, _: low)


def _json(value: Any) -> str:
    return json.dumps(value)


NOT_REGISTERED = _json(
    {"code": 404, "message": 'The requested webhook "POST x" is not registered.', "hint": "..."}
)
WRONG_METHOD = _json(
    {"code": 404, "message": "This webhook is not registered for GET requests.", "hint": "..."}
)

UNCONFIRMED = ("unconfirmed", "nothing", True)

# answer, outcome, signal, whether the workflow may still be at work
ROWS: list[tuple[str, Answer, str, str, bool]] = [
    ("accepted", Answer(200, _json({"status": "accepted"})), "acknowledged", "works", False),
    (
        "accepted before",
        Answer(200, _json({"status": "accepted", "duplicate": True})),
        "acknowledged",
        "works",
        False,
    ),
    ("a list of one", Answer(200, _json([{"status": "accepted"}])), "acknowledged", "works", False),
    ("created", Answer(201, _json({"status": "accepted"})), "acknowledged", "works", False),
    ("inactive or unknown path", Answer(404, NOT_REGISTERED), "retry", "fails", False),
    ("wrong method", Answer(404, WRONG_METHOD), "retry", "fails", False),
    ("a proxy's 404", Answer(404, "404 page not found"), "retry", "fails", False),
    ("wrong header", Answer(403, "Authorization data is wrong!"), "park", "refuses", False),
    ("no credentials", Answer(401, ""), "park", "refuses", False),
    (
        "malformed JSON",
        Answer(422, _json({"code": 422, "message": "Failed to parse request body"})),
        "dead",
        "works",
        False,
    ),
    ("rejected", Answer(422, _json({"status": "rejected", "errors": []})), "dead", "works", False),
    ("rejected with 200", Answer(200, _json({"status": "rejected"})), "dead", "works", False),
    (
        "a node throws",
        Answer(500, _json({"message": "Error in workflow"})),
        "retry",
        "fails",
        False,
    ),
    ("Respond node never reached", Answer(200, ""), "unconfirmed", "nothing", True),
    (
        "response mode onReceived",
        Answer(200, _json({"message": "Workflow was started"})),
        "unconfirmed",
        "nothing",
        True,
    ),
    ("a page of HTML", Answer(200, "<html>welcome</html>"), "unconfirmed", "nothing", True),
    ("no content", Answer(204, ""), "unconfirmed", "nothing", True),
    (
        "a list of two",
        Answer(200, _json([{"status": "accepted"}] * 2)),
        "unconfirmed",
        "nothing",
        True,
    ),
    ("n8n shuts down", Answer(500, "x"), "retry", "fails", False),
    ("starting", Answer(503, "n8n is starting up"), "retry", "fails", False),
    (
        "its database is away",
        Answer(503, _json({"code": 503, "message": "Database is not ready!"})),
        "retry",
        "fails",
        False,
    ),
    ("over a proxy's limit", Answer(503, "slow down", retry_after=5.0), "retry", "fails", False),
    (
        "a broken connection behind Envoy",
        Answer(503, "upstream connect error or disconnect/reset before headers"),
        "retry",
        "fails",
        True,
    ),
    (
        "a time-out behind a gateway",
        Answer(503, _json({"message": "Service Unavailable"})),
        "retry",
        "fails",
        True,
    ),
    (
        "Cloudflare's time-out",
        Answer(524, "<title>n8n.example.com | 524: A timeout occurred</title>"),
        "retry",
        "fails",
        True,
    ),
    ("nested too deeply to be read", Answer(200, "[" * 60_000), *UNCONFIRMED),
    ("bad gateway", Answer(502, ""), "retry", "fails", True),
    ("gateway time-out", Answer(504, ""), "retry", "fails", True),
    ("request time-out", Answer(408, ""), "retry", "fails", True),
    ("too many", Answer(429, ""), "retry", "fails", False),
    ("redirect", Answer(301, ""), "park", "refuses", False),
    ("bad request", Answer(400, ""), "dead", "nothing", False),
    ("too large for a proxy", Answer(413, ""), "dead", "nothing", False),
    ("refused", Answer(None, failure="refused"), "retry", "fails", False),
    ("time-out", Answer(None, failure="timeout"), "retry", "fails", True),
    ("reset", Answer(None, failure="reset"), "retry", "fails", True),
    ("not HTTP", Answer(None, failure="unreadable"), "retry", "fails", True),
    ("a header that cannot be sent", Answer(None, failure="unsendable"), "park", "refuses", False),
]


@pytest.mark.parametrize(
    ("answer", "outcome", "signal", "running"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_the_table(answer: Answer, outcome: str, signal: str, running: bool) -> None:
    """A lead would be lost, sent twice, or tried for ever."""
    decision = decide(answer, 1, STILL)
    found = (decision.outcome, decision.signal, decision.may_be_running)
    assert found == (outcome, signal, running)
    assert decision.reason or decision.outcome == "acknowledged"


# Every status from 400 to 599 without a body: what it means is decided on purpose.
PARKED = {401, 403, 407}
# Refused before n8n had it, or n8n's own word that nothing runs.
SOON = {404, 421, 425, 429, 500, 501, 505, 506, 508, 510, 511, 521, 523, 525, 526, 530, 561}
# Whoever answers does not know whether n8n is at work.
AFTER_THE_GRACE = {408, 460, 499} | (set(range(500, 600)) - SOON)
# The same body will meet the same answer.
DEAD = set(range(400, 500)) - PARKED - SOON - AFTER_THE_GRACE


@pytest.mark.parametrize("status", range(400, 600))
def test_every_error_is_decided(status: int) -> None:
    """A status that nobody thought of would send a lead twice while its workflow is running."""
    decision = decide(Answer(status), 1, STILL)
    found = (decision.outcome, decision.may_be_running)
    assert found in {("retry", True), ("retry", False), ("park", False), ("dead", False)}
    assert (found == ("park", False)) == (status in PARKED)
    assert (found == ("retry", False)) == (status in SOON)
    assert (found == ("retry", True)) == (status in AFTER_THE_GRACE)
    assert (found == ("dead", False)) == (status in DEAD)
    assert decision.reason.endswith(f"({status})")


@pytest.mark.parametrize("status", [502, 503, 504, 520, 522, 524, 529, 598, 599])
def test_a_proxy_that_lost_n8n_is_waited_for(status: int) -> None:
    """Behind Cloudflare, each workflow over 100 s would be executed again and again."""
    assert decide(Answer(status), 1, STILL).may_be_running


@pytest.mark.parametrize("status", [100, 199, 600, 999])
def test_what_is_no_class_of_http_is_not_taken_for_an_end(status: int) -> None:
    """A number that means nothing would make a dead letter of a lead that has arrived."""
    decision = decide(Answer(status), 1, STILL)
    assert (decision.outcome, decision.may_be_running) == ("retry", True)


@pytest.mark.parametrize(("tries", "seconds"), [(1, 1), (2, 2), (5, 16), (11, 900), (99, 900)])
def test_backoff_doubles_up_to_a_quarter_of_an_hour(tries: int, seconds: float) -> None:
    """An N8N in trouble would be hammered, or a lead wait for hours after it is back."""
    assert decide(Answer(500), tries, STILL).delay == seconds


def test_jitter_spreads_the_retries() -> None:
    """All leads of an outage would come back in the same moment."""
    late = Backoff(first=1.0, longest=900.0, jitter=JITTER, uniform=lambda _, high: high)
    assert late.delay(3) == 8.0
    assert late.delay(30) == 900.0


def test_retry_after_is_heeded_within_reason() -> None:
    """N8N's wish for a pause would be ignored, or a silly one stop deliveries for days."""
    assert decide(Answer(429, retry_after=30.0), 1, STILL).delay == 30.0
    assert decide(Answer(429, retry_after=1e9), 1, STILL).delay == 900.0
    assert decide(Answer(429, retry_after=0.0), 3, STILL).delay == 4.0
