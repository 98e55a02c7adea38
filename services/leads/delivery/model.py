"""An attempt on its way: begun, over, recorded."""

from dataclasses import dataclass, field

from services.leads.delivery.breaker import Change
from services.leads.delivery.response_policy import Decision
from shared.deliveries import Attempt


@dataclass(frozen=True, slots=True)
class ClaimedAttempt:
    """An attempt that has begun and is ours: `attempt` counts for ever, `tries` since a replay.

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
class DueAttempts:
    """What is to be done now, and in how many seconds to look again (None: nothing waits)."""

    attempts: list[ClaimedAttempt]
    pause: float | None


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """An attempt that is over: what its answer means, and what the history keeps of it."""

    claimed: ClaimedAttempt
    decision: Decision
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording a result changed, and the attempts that it began."""

    state: str
    breaker: Change
    first_dead: bool  # the first dead letter of this hour
    following: DueAttempts
