"""What an answer means. The table is n8n's behaviour as it was observed, row by row."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

# acknowledged and dead are final, unconfirmed is final or tried again (LEAD_ACK says which).
Kind = Literal["acknowledged", "unconfirmed", "retry", "park", "dead"]

# What it says about the destination: it works, it does not, it refuses us, or nothing either way.
Health = Literal["good", "bad", "refused", "none"]

# How a post can end without an answer.
Fault = Literal["refused", "reset", "timeout", "unreadable"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` None: nothing did, because of `fault`. `text` is cut at 64 KiB.

    `retry_after` is the answer's header of that name in seconds, None without one.
    """

    status: int | None
    text: str = ""
    fault: Fault | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`cautious`: the workflow may still be at work, so not again before the grace is over.

    `delay` is in seconds and counts for retry only.
    """

    verdict: Kind
    health: Health
    why: str
    cautious: bool = False
    delay: float = 0.0


class Row(NamedTuple):
    """One row: the first whose test is true decides."""

    test: Callable[[Answer], bool]
    verdict: Verdict


def _status(*codes: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status in codes


def _fault(name: Fault) -> Callable[[Answer], bool]:
    return lambda answer: answer.fault == name


def _success(answer: Answer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300


def _accepted(answer: Answer) -> bool:
    return _success(answer) and _json(answer.text).get("status") == "accepted"


def _rejected_on_success(answer: Answer) -> bool:
    return _success(answer) and _json(answer.text).get("status") == "rejected"


def _rejected(answer: Answer) -> bool:
    return answer.status == 422


def _not_registered(answer: Answer) -> bool:
    body = _json(answer.text)
    return (
        answer.status == 404
        and body.get("code") == 404
        and "not registered" in str(body.get("message", ""))
    )


TABLE: tuple[Row, ...] = (
    # Nothing came back.
    Row(_fault("refused"), Verdict("retry", "bad", "N8N cannot be reached")),
    Row(_fault("timeout"), Verdict("retry", "bad", "N8N did not answer in time", cautious=True)),
    Row(_fault("reset"), Verdict("retry", "bad", "the connection broke", cautious=True)),
    Row(_fault("unreadable"), Verdict("retry", "bad", "not an HTTP answer", cautious=True)),
    # 2xx.
    Row(_accepted, Verdict("acknowledged", "good", "")),
    Row(_rejected_on_success, Verdict("dead", "good", "the workflow rejected it")),
    Row(
        _success,
        Verdict("unconfirmed", "none", "a 2xx without an acknowledgement", cautious=True),
    ),
    # n8n restarts: 500, refused, 404, 200. Its 404 while it does is not the last word.
    Row(_not_registered, Verdict("retry", "bad", "the workflow is not active in N8N")),
    Row(_status(404), Verdict("retry", "bad", "N8N's address answers 404")),
    # The header that N8N asks for is missing or wrong: no lead will pass until somebody acts.
    Row(_status(401, 403), Verdict("park", "refused", "N8N refuses our credentials")),
    Row(_status(407), Verdict("park", "refused", "a proxy refuses our credentials")),
    Row(_rejected, Verdict("dead", "good", "the workflow rejected it")),
    # A proxy that gave up on n8n does not know whether n8n has.
    Row(_status(408), Verdict("retry", "bad", "N8N timed out", cautious=True)),
    Row(_status(502, 504), Verdict("retry", "bad", "a proxy lost N8N", cautious=True)),
    Row(_status(425, 429), Verdict("retry", "bad", "N8N asks for a pause")),
    Row(
        lambda answer: answer.status is not None and answer.status >= 500,
        Verdict("retry", "bad", "an error in N8N"),
    ),
    Row(
        lambda answer: answer.status is not None and 300 <= answer.status < 400,
        Verdict("park", "refused", "N8N's address redirects: correct N8N_BASE_URL"),
    ),
    # 400, 410, 413 and the like: the same body will meet the same answer.
    Row(lambda _: True, Verdict("dead", "none", "N8N will not take it")),
)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts: doubling from `first` to `longest` seconds, with jitter."""

    first: float = 1.0
    longest: float = 900.0
    uniform: Callable[[float, float], float] = random.uniform

    def delay(self, tries: int) -> float:
        """Seconds after the try with this number (from 1): between one and two times its floor."""
        floor: float = min(self.longest, self.first * 2.0 ** min(tries - 1, 30))
        return min(self.longest, self.uniform(floor, 2 * floor))


def judge(answer: Answer, tries: int, backoff: Backoff) -> Verdict:
    """The verdict on an answer to the try with this number."""
    verdict = next(row.verdict for row in TABLE if row.test(answer))
    delay = backoff.delay(tries)
    if answer.retry_after is not None:
        delay = max(delay, min(answer.retry_after, backoff.longest))
    why = verdict.why
    if answer.status is not None and verdict.verdict != "acknowledged":
        why = f"{why} ({answer.status})"
    return replace(verdict, delay=delay, why=why)


def _json(text: str) -> dict[str, Any]:
    """The object, or the only item of a list, as n8n may answer; {} for anything else."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else {}
