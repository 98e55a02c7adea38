"""How deliveries to one destination are treated, and how the scripts are told."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Literal

from services.leads.delivery.breaker import BreakerPolicy
from shared.calls.log import DeliveryUpdate
from shared.clock import DAY_S
from shared.deliveries import Attempt
from shared.redis import keys

AckMode = Literal["auto", "strict", "lenient"]  # see LEAD_ACK

ATTEMPTS_KEPT = 200  # 72 h of retries are about 300 at the longest pause; the latest count

LOST = Attempt(
    revision=0,
    attempt=0,
    at_ms=0,
    outcome="lost",
    why="the process ended before it had a result",
)


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How a destination is treated. Times in seconds.

    address, credentials: only their digests are stored. grace: see LEAD_ATTEMPT_GRACE. head_start:
    how long after the start of an attempt a newer revision of the same subject waits, so that it
    cannot overtake it on the way to the receiver. budget: of trying again. content: key of the hash
    that is a subject's content, with %s for the subject, read as an attempt begins ("": none).
    """

    name: str
    address: str
    credentials: str = ""
    ack: AckMode = "auto"
    grace: float = 60.0
    head_start: float = 3.5
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    budget: float = 3.0 * DAY_S
    keep_days: int = 365
    content: str = ""

    def keys(self) -> list[str]:
        """KEYS of every script (common.lua)."""
        return [
            keys.deliveries_due(self.name),
            keys.deliveries_parked(self.name),
            keys.deliveries_dead(self.name),
            keys.deliveries_index(self.name),
            keys.destination(self.name),
            keys.alerted(f"{self.name}:dead"),
        ]

    def options(self) -> str:
        """ARGV 1 of every script, JSON: keys with %s for an id, and times in milliseconds."""
        update = DeliveryUpdate(destination=self.name, subject="", revision=0, state="scheduled")
        return json.dumps(
            {
                "delivery": keys.delivery(self.name, "%s"),
                "attempts": keys.delivery_attempts(self.name, "%s"),
                "call_log": keys.call_log("%s"),
                "content": self.content,
                "update": update.model_dump_json(exclude={"type"}, exclude_defaults=True),
                "lost_attempt": LOST.model_dump_json(exclude_defaults=True),
                # Hashed: neither an address nor a secret belongs into a key or a field.
                "address": _digest(self.address),
                "credentials": _digest(f"{self.address} {self.credentials}"),
                "ack": self.ack,
                "grace": int(self.grace * 1000),
                "head_start": int(self.head_start * 1000),
                "budget": int(self.budget * 1000),
                "keep_s": self.keep_days * DAY_S,
                "attempts_kept": ATTEMPTS_KEPT,
                **self.breaker.options(),
            }
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
