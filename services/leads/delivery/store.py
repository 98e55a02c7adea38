"""The deliveries of one destination in Redis: what is wanted, what is due, what came of it.

Each method is one script, and each script one step: see common.lua.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis

from services.leads.delivery.model import AttemptResult, ClaimedAttempt, DueAttempts, Recorded
from services.leads.delivery.policy import DeliveryPolicy
from shared.bus import Context
from shared.bus.batching import Batcher
from shared.redis.scripts import load_script, pairs


class Want(NamedTuple):
    """ARGV 2 to 8 of want.lua. `stream`, `group` and `entry_id` are of the entry to acknowledge."""

    subject: str
    revision: int
    call_id: str
    captured_at: str
    stream: str = ""
    group: str = ""
    entry_id: str = ""


class DeliveryStore:
    """The deliveries that `policy` is about."""

    def __init__(self, redis: Redis, policy: DeliveryPolicy) -> None:
        self.policy = policy
        self._redis = redis
        self._keys = policy.keys()
        self._options = policy.options()
        self._wants = Batcher(self._want_all)
        self._want = load_script(redis, __file__, "want", "common")
        self._claim = load_script(redis, __file__, "claim", "common", "breaker", "attempts")
        self._finish = load_script(redis, __file__, "finish", "common", "breaker", "attempts")
        self._review = load_script(redis, __file__, "review", "common")

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
        want = Want(subject, revision, call_id, captured_at)
        if context:
            want = want._replace(
                stream=context.stream, group=context.group, entry_id=context.entry_id
            )
        await self._wants.add(want)
        if context:
            context.acknowledged = True

    async def _want_all(self, wants: Sequence[Want]) -> None:
        """What came together goes in one round trip; what fails is all tried again."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for want in wants:
                await self._want(keys=self._keys, args=[self._options, *want], client=pipe)
            await pipe.execute()

    async def claim(self, limit: int) -> DueAttempts:
        """Begins attempts, `limit` at most. Nobody else is given them until their grace is over."""
        return _due(*await self._claim(keys=self._keys, args=[self._options, limit]))

    async def finish(self, result: AttemptResult, limit: int) -> Recorded:
        """Records the result of an attempt and begins `limit` others, in one step.

        Safe to repeat.
        """
        answer = await self._finish(
            keys=self._keys,
            args=[self._options, _as_json(result), result.attempt.model_dump_json(), limit],
        )
        state, breaker, first_dead, *following = answer
        return Recorded(str(state), breaker, bool(first_dead), _due(*following))

    async def review(self) -> bool:
        """Tries at once what other credentials, or another address, were refused for."""
        return bool(await self._review(keys=self._keys, args=[self._options]))


def _as_json(result: AttemptResult) -> str:
    """ARGV 2 of finish.lua."""
    claimed, decision, attempt = result.claimed, result.decision, result.attempt
    return json.dumps(
        {
            "subject": claimed.subject,
            "revision": claimed.revision,
            "attempt": claimed.attempt,
            "outcome": decision.outcome,
            "signal": decision.signal,
            "reason": decision.reason,
            "may_be_running": decision.may_be_running,
            "delay": int(decision.delay * 1000),
            "details": attempt.model_dump(
                include={"attempt", "status", "answer"}, exclude_defaults=True
            ),
        },
        ensure_ascii=False,
    )


def _due(attempts: list[Any], upcoming: Any) -> DueAttempts:
    return DueAttempts(
        [
            ClaimedAttempt(
                subject=str(subject),
                revision=int(revision),
                attempt=int(attempt),
                tries=int(tries),
                call_id=str(call_id),
                captured_at=str(captured_at),
                content=pairs(content),
            )
            for subject, revision, attempt, tries, call_id, captured_at, content in attempts
        ],
        int(upcoming) / 1000 if int(upcoming) >= 0 else None,
    )
