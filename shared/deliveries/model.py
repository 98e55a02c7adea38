"""Deliveries as Redis holds them: one subject, one destination, the revisions that were wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.frozen import FrozenModel

# Destinations. The subject of the first is a lead, of the second a call.
LEAD_CAPTURE = "lead-capture"
CALL_ENDED = "call-ended"

DeliveryState = Literal[
    "scheduled",  # waits for its first attempt
    "posting",  # an attempt is under way
    "retrying",  # waits for another attempt
    "acknowledged",  # final: the receiver said that it has it
    "unconfirmed",  # final: a 2xx without an acknowledgement, from a receiver that never gives one
    "superseded",  # final: a newer revision goes instead
    "parked",  # the destination refuses our credentials; goes on when it takes them again
    "dead",  # given up; sent again when somebody says so
    "erased",  # final: what was to be sent is not there any more
]


class Attempt(FrozenModel):
    """One attempt. Times are milliseconds since 1970. `status` is None when there was no answer.

    `answer` holds at most the first 500 characters.
    """

    revision: int
    attempt: int
    at_ms: int
    duration_ms: int | None = None
    status: int | None = None
    outcome: str
    why: str = ""
    answer: str = ""


class Delivery(FrozenModel):
    """`revision` is the highest that is wanted, `state` how far that one is.

    `attempts_made` counts over replays, `tries` since the last one. `next_ms` is when it is due.
    """

    destination: str
    subject: str
    call_id: str = ""
    revision: int
    state: DeliveryState
    tries: int = 0
    attempts_made: int = 0
    first_ms: int | None = None
    next_ms: int | None = None
    acknowledged: int = 0
    attempts: tuple[Attempt, ...] = ()

    @classmethod
    def from_hash(cls, destination: str, subject: str, fields: Mapping[str, str]) -> "Delivery":
        """From `delivery:DEST:SUBJECT`, in which the fields of a revision begin with its number."""
        revision = fields["wanted"]

        def own(name: str) -> str:
            return fields.get(f"{revision}:{name}", "0")

        return cls.model_validate(
            {
                "destination": destination,
                "subject": subject,
                "call_id": fields.get("call_id", ""),
                "revision": revision,
                "state": own("state"),
                "tries": own("tries"),
                "attempts_made": own("attempts"),
                "first_ms": int(own("first_ms")) or None,
                "acknowledged": fields.get("acknowledged", "0"),
            }
        )


@dataclass(frozen=True, slots=True)
class DestinationState:
    """The circuit breaker of a destination. `open`: nothing is sent but single probes."""

    open: bool
    reason: str = ""
    failures: int = 0
    opened_ms: int | None = None
    probe_ms: int | None = None
