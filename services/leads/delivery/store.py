"""The ledger of one destination: what is wanted, what is due, what came of it. All in Redis."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from services.leads.delivery import scripts
from services.leads.delivery.response_policy import Verdict
from shared.bus import Context
from shared.bus.batching import Batcher
from shared.clock import DAY_S
from shared.redis import keys

ATTEMPTS_KEPT = 200  # 72 h of retries are about 300 at the longest pause; the latest count


@dataclass(frozen=True, slots=True)
class Rules:
    """How a destination is treated. Times in seconds.

    grace: see LEAD_ATTEMPT_GRACE. head_start: how long after the start of an attempt a newer
    revision of the same subject waits, so that it cannot overtake it on the way to the receiver.
    pause_first, pause_longest: of the circuit breaker's probes. park: pause after a refusal.
    content: prefix of the hashes that are the content, read as an attempt begins ("": none).
    """

    name: str
    address: str
    credentials: str
    ack: str = "auto"
    grace: float = 60.0
    head_start: float = 3.5
    threshold: int = 5
    pause_first: float = 1.0
    pause_longest: float = 60.0
    park: float = 900.0
    budget: float = 72 * 3600.0
    keep_days: int = 365
    content: str = ""

    def options(self) -> str:
        """What the scripts are told, as JSON; times in milliseconds."""
        return json.dumps(
            {
                "name": self.name,
                "prefix": keys.delivery(self.name, ""),
                "call_prefix": keys.call(""),
                "content": self.content,
                "due": keys.deliveries_due(self.name),
                "parked": keys.deliveries_parked(self.name),
                "dead": keys.deliveries_dead(self.name),
                "index": keys.deliveries_index(self.name),
                "destination": keys.destination(self.name),
                "alerted": keys.alerted(f"{self.name}:dead"),
                # Hashed: neither an address nor a secret belongs into a key or a field.
                "address": _digest(self.address),
                "credentials": _digest(f"{self.address} {self.credentials}"),
                "ack": self.ack,
                "grace": int(self.grace * 1000),
                "headstart": int(self.head_start * 1000),
                "threshold": self.threshold,
                "pause_first": int(self.pause_first * 1000),
                "pause_longest": int(self.pause_longest * 1000),
                "park": int(self.park * 1000),
                "budget": int(self.budget * 1000),
                "keep_s": self.keep_days * DAY_S,
                "attempts_kept": ATTEMPTS_KEPT,
            }
        )


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt that has begun: `attempt` counts for ever, `tries` since the last replay.

    `captured_at` is when the revision came to be (RFC 3339), `content` its hash as it is now.
    """

    subject: str
    revision: int
    attempt: int
    tries: int
    call_id: str
    captured_at: str
    content: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """webhook-id and Idempotency-Key: of the revision, never of the attempt."""
        return f"{self.subject}.{self.revision}"


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be done now, and in how many seconds to look again (None: nothing waits)."""

    claims: list[Claimed]
    pause: float | None


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of an attempt, and what to do next."""

    state: str
    breaker: str  # opened, closed or ""
    why: str
    first_dead: bool  # the first dead letter of this hour
    batch: Batch


class Ledger:
    def __init__(self, redis: Redis, rules: Rules) -> None:
        self.rules = rules
        self._options = rules.options()
        self._redis = redis
        self._want = redis.register_script(scripts.WANT)
        self._wants = Batcher(self._want_all)
        self._claim = redis.register_script(scripts.CLAIM)
        self._finish = redis.register_script(scripts.FINISH)
        self._review = redis.register_script(scripts.REVIEW)

    async def want(
        self,
        subject: str,
        revision: int,
        *,
        call_id: str,
        captured_at: str,
        context: Context | None = None,
    ) -> None:
        """Records that a revision is to be sent and acknowledges the event of `context`, at once.

        Safe to repeat; an older revision than the one wanted changes nothing.
        """
        place = (context.stream, context.group, context.entry_id) if context else ("", "", "")
        await self._wants.add((subject, revision, call_id, captured_at, *place))
        if context:
            context.settled = True

    async def _want_all(self, wants: Sequence[tuple[str | int, ...]]) -> None:
        """What came together goes in one round trip; what fails is all tried again."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for want in wants:
                await self._want(args=[self._options, *want], client=pipe)
            await pipe.execute()

    async def claim(self, limit: int) -> Batch:
        """Begins attempts, `limit` at most. Nobody else is given them until their grace is over."""
        return _batch(*await self._claim(args=[self._options, limit]))

    async def finish(
        self, claimed: Claimed, verdict: Verdict, attempt: dict[str, Any], limit: int
    ) -> Finished:
        """Records the result of an attempt and begins `limit` others, in one step.

        `attempt` is what the history keeps. Safe to repeat.
        """
        result = {
            "subject": claimed.subject,
            "revision": claimed.revision,
            "attempt": claimed.attempt,
            "verdict": verdict.verdict,
            "health": verdict.health,
            "cautious": verdict.cautious,
            "delay": int(verdict.delay * 1000),
            "why": verdict.why,
            "attempt_json": json.dumps(attempt, ensure_ascii=False),
        }
        result |= {name: attempt[name] for name in ("status", "answer") if attempt.get(name)}
        answer = await self._finish(
            args=[self._options, json.dumps(result, ensure_ascii=False), limit]
        )
        state, breaker, why, alert, claims, upcoming = answer
        return Finished(str(state), str(breaker), str(why), bool(alert), _batch(claims, upcoming))

    async def review(self) -> bool:
        """Tries at once what other credentials, or another address, were refused for."""
        return bool(await self._review(args=[self._options]))


def _batch(claims: list[Any], upcoming: Any) -> Batch:
    return Batch(
        [
            Claimed(
                subject=str(subject),
                revision=int(revision),
                attempt=int(attempt),
                tries=int(tries),
                call_id=str(call_id),
                captured_at=str(captured_at),
                content=dict(zip(content[::2], content[1::2], strict=True)),
            )
            for subject, revision, attempt, tries, call_id, captured_at, content in claims
        ],
        int(upcoming) / 1000 if int(upcoming) >= 0 else None,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
