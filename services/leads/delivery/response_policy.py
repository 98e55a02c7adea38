"""What an answer to a post means: whether the receiver has it, and what is done next.

N8N's own answers are as they were observed, row by row. The others come from what stands in front
of it: after some of these the workflow may be executing although we got an error, and to post again
at once would execute it twice. `may_be_running` marks them: they wait for LEAD_ATTEMPT_GRACE. So do
those of which nobody knows whether the post reached N8N, since a minute's wait costs less than a
lead that is recorded twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from shared.backoff import Backoff
from shared.n8n_answers import read_json

# What becomes of the revision. acknowledged and dead are final; unconfirmed is final or tried again
# (LEAD_ACK decides).
Outcome = Literal["acknowledged", "unconfirmed", "retry", "park", "dead"]

# What the answer shows of the destination, for the circuit breaker.
Signal = Literal["works", "fails", "refuses", "nothing"]

# How a post can end without an answer. `unsendable`: it cannot even be written.
Failure = Literal["refused", "reset", "timeout", "unreadable", "unsendable"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` None: nothing did, because of `failure`. `text` is cut at 64 KiB.

    `retry_after` is the answer's header of that name in seconds, None without one.
    """

    status: int | None
    text: str = ""
    failure: Failure | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`may_be_running`: the workflow may be at work, so not again before the grace is over.

    `delay` is in seconds and counts for retry only. `reason` is for people.
    """

    outcome: Outcome
    signal: Signal
    reason: str
    may_be_running: bool = False
    delay: float = 0.0


class Row(NamedTuple):
    """One row: the first whose test is true decides."""

    test: Callable[[Answer], bool]
    decision: Decision


def decide(answer: Answer, tries: int, backoff: Backoff) -> Decision:
    """What the answer to the try with this number (from 1) means."""
    decision = next(row.decision for row in TABLE if row.test(answer))
    delay = backoff.delay(tries)
    if answer.retry_after is not None:
        delay = max(delay, min(answer.retry_after, backoff.longest))
    reason = decision.reason
    if answer.status is not None and decision.outcome != "acknowledged":
        reason = f"{reason} ({answer.status})"
    return replace(decision, delay=delay, reason=reason)


def _again(reason: str, *, may_be_running: bool = False) -> Decision:
    return Decision("retry", "fails", reason, may_be_running)


def _failure(name: Failure) -> Callable[[Answer], bool]:
    return lambda answer: answer.failure == name


def _status(*codes: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status in codes


def _between(first: int, last: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status is not None and first <= answer.status <= last


_success = _between(200, 299)


def _says(status: str) -> Callable[[Answer], bool]:
    """A 2xx whose JSON has this `status`."""
    return lambda answer: _success(answer) and _json(answer.text).get("status") == status


def _not_registered(answer: Answer) -> bool:
    body = _json(answer.text)
    return (
        answer.status == 404
        and body.get("code") == 404
        and "not registered" in str(body.get("message", ""))
    )


def _n8n_is_not_ready(answer: Answer) -> bool:
    """n8n's own 503: it starts, or its database is away. No workflow runs."""
    said = str(_json(answer.text).get("message", "")) or answer.text
    return answer.status == 503 and said.startswith(("n8n is starting", "Database is not ready"))


def _come_back_later(answer: Answer) -> bool:
    """A 503 that names a time: for maintenance, or over a limit. It was not passed on."""
    return answer.status == 503 and answer.retry_after is not None


TABLE: tuple[Row, ...] = (
    # --- Nothing came back -----------------------------------------------------------------------
    Row(_failure("refused"), _again("N8N cannot be reached")),
    Row(_failure("timeout"), _again("N8N did not answer in time", may_be_running=True)),
    Row(_failure("reset"), _again("the connection broke", may_be_running=True)),
    Row(_failure("unreadable"), _again("not an HTTP answer", may_be_running=True)),
    Row(
        _failure("unsendable"),
        Decision("park", "refuses", "cannot be sent: correct N8N_BASE_URL or the N8N_AUTH header"),
    ),
    # --- 2xx and 3xx -----------------------------------------------------------------------------
    Row(_says("accepted"), Decision("acknowledged", "works", "")),
    Row(_says("rejected"), Decision("dead", "works", "the workflow rejected it")),
    Row(
        _success,
        Decision("unconfirmed", "nothing", "a 2xx without an acknowledgement", may_be_running=True),
    ),
    Row(
        _between(300, 399),
        Decision("park", "refuses", "N8N's address redirects: correct N8N_BASE_URL"),
    ),
    # --- 4xx -------------------------------------------------------------------------------------
    # The header that N8N asks for is missing or wrong: no lead will pass until somebody acts.
    Row(_status(401, 403), Decision("park", "refuses", "N8N refuses our credentials")),
    Row(_status(407), Decision("park", "refuses", "a proxy refuses our credentials")),
    # n8n restarts: 500, refused, 404, 200. Its 404 while it does is not the last word.
    Row(_not_registered, _again("the workflow is not active in N8N")),
    Row(_status(404), _again("N8N's address answers 404")),
    # Whoever sends it waited for somebody else, and does not know how far n8n is.
    Row(_status(408), _again("N8N timed out", may_be_running=True)),
    # nginx, Traefik (499) and AWS (460): the proxy's own client hung up while n8n was at work.
    Row(_status(460, 499), _again("a proxy gave up on N8N", may_be_running=True)),
    # Refused before it was handled.
    Row(_status(421), _again("a proxy does not know N8N's address")),
    Row(_status(425, 429), _again("N8N asks for a pause")),
    Row(_status(422), Decision("dead", "works", "the workflow rejected it")),
    # 400, 410, 413 and the like: the same body will meet the same answer.
    Row(_between(400, 499), Decision("dead", "nothing", "N8N will not take it")),
    # --- 5xx: n8n's own --------------------------------------------------------------------------
    # The workflow threw, and is over; or n8n is shutting down, and did not begin.
    Row(_status(500), _again("an error in N8N")),
    Row(_n8n_is_not_ready, _again("N8N is not ready")),
    # --- 5xx of a proxy that surely did not reach n8n --------------------------------------------
    Row(_come_back_later, _again("N8N asks for a pause")),
    # Method, HTTP version, negotiation, a loop of proxies, a captive portal: of the proxy itself.
    Row(_status(501, 505, 506, 508, 510, 511), _again("a proxy does not pass it on to N8N")),
    # Cloudflare: connection refused, no route, TLS handshake failed, certificate refused, no
    # address or tunnel of the origin.
    Row(_status(521, 523, 525, 526, 530), _again("a proxy cannot reach N8N")),
    # AWS: the login in front of n8n has failed.
    Row(_status(561), _again("a proxy does not pass it on to N8N")),
    # --- 5xx of a proxy that may have passed it on -----------------------------------------------
    # 502: the connection broke or gave nonsense. 504: it took too long. 503: Envoy's for a
    # connection that broke, Heroku's for a time-out, HAProxy's for no server; it does not tell.
    Row(_status(502, 503, 504), _again("a proxy lost N8N", may_be_running=True)),
    # Cloudflare. 520: an empty answer or a reset. 522: no connection, or one on which the request
    # was not confirmed. 524: no answer within 100 s. 527: any of these behind a Railgun.
    Row(_status(520, 522, 524, 527), _again("a proxy lost N8N", may_be_running=True)),
    # Time-outs of reading (598) and connecting (599), named differently by every proxy.
    Row(_status(598, 599), _again("a proxy lost N8N", may_be_running=True)),
    # 507, 509, 529 and codes that nobody registered: whatever it is, it may stand behind n8n.
    Row(_between(500, 599), _again("a proxy answers for N8N", may_be_running=True)),
    # --- no class of HTTP ------------------------------------------------------------------------
    Row(lambda _: True, _again("not an HTTP answer", may_be_running=True)),
)


def _json(text: str) -> dict[str, Any]:
    """The object that n8n answered; {} for anything else."""
    value = read_json(text)
    return value if isinstance(value, dict) else {}
