"""One attempt: make the body, post it, and say what the answer means."""

import traceback
from collections.abc import Awaitable, Callable

from loguru import logger

from services.leads import metrics
from services.leads.delivery.client import WebhookClient
from services.leads.delivery.model import AttemptResult, ClaimedAttempt
from services.leads.delivery.response_policy import Answer, Decision, decide
from shared.backoff import Backoff
from shared.clock import SYSTEM_CLOCK, Clock
from shared.deliveries import Attempt
from shared.errors import NotFound, Permanent

ANSWER_KEPT = 500  # characters of an answer in the history

# A post must begin soon after its attempt did, or it could overlap with the next attempt, or come
# after a newer revision. Longer than any pause of an event loop that works.
BEGIN_WITHIN_S = 0.4
TOO_LATE = Decision("retry", "nothing", "this process was too slow to begin in time", delay=1.0)

# Makes the body of an attempt. Raises NotFound (erased) or Permanent (cannot be sent).
BuildBody = Callable[[ClaimedAttempt], Awaitable[bytes]]


class AttemptRunner:
    """Makes attempts for the destination `name`."""

    def __init__(
        self,
        name: str,
        webhook: WebhookClient,
        build: BuildBody,
        *,
        backoff: Backoff,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._name = name
        self._webhook = webhook
        self._build = build
        self._backoff = backoff
        self._clock = clock

    async def run(self, claimed: ClaimedAttempt, claimed_at: float) -> AttemptResult:
        """Posts once. `claimed_at`: the moment (monotonic) after which the attempt began."""
        started = self._clock.now()
        answer = Answer(None)
        try:
            body = await self._build(claimed)
        except (NotFound, Permanent) as error:
            decision = Decision("dead", "nothing", error.message)
        except Exception as error:  # noqa: BLE001 - one lead that cannot be read must show itself
            decision = self._unreadable(claimed, error)
        else:
            if self._clock.monotonic() - claimed_at > BEGIN_WITHIN_S:
                decision = TOO_LATE
            else:
                with metrics.POST.labels(self._name).time():
                    answer = await self._webhook.post(claimed.key, body)
                decision = decide(answer, claimed.tries, self._backoff)
        metrics.ATTEMPTS.labels(self._name, decision.outcome).inc()
        return AttemptResult(
            claimed,
            decision,
            Attempt(
                revision=claimed.revision,
                attempt=claimed.attempt,
                at_ms=int(started.timestamp() * 1000),
                duration_ms=int((self._clock.now() - started).total_seconds() * 1000),
                status=answer.status,
                outcome=decision.outcome,
                why=decision.reason,
                answer=answer.text[:ANSWER_KEPT],
            ),
        )

    def _unreadable(self, claimed: ClaimedAttempt, error: Exception) -> Decision:
        """Tried again, since a newer version may be able to read it; in the end a dead letter."""
        reason = f"its payload cannot be made ({type(error).__name__})"
        # Where it was raised, and not what it says: that may hold what the caller said.
        where = "".join(traceback.format_tb(error.__traceback__)[-2:])
        logger.error("{} {}: {}\n{}", self._name, claimed.key, reason, where)
        return Decision("retry", "nothing", reason, delay=self._backoff.delay(claimed.tries))
