"""How a consumer treats entries: how many at once, time limits, tries, pauses."""

from dataclasses import dataclass

from shared.backoff import Backoff

BACKOFF = Backoff(first=1.0, longest=60.0)
BLOCK_MS = 500


@dataclass(frozen=True, slots=True)
class Policy:
    """An event is tried `tries` times in all, with the pauses of `backoff` between them.

    concurrency: entries in hand at once.
    deduplicate: keep a record of handled events and drop duplicates; a group whose handlers
    acknowledge entries by scripts that are safe to repeat does without.
    timeout: seconds after which a handler is given up.
    idle: seconds without a sign of life after which a consumer counts as dead, and others take over
    its entries; a consumer shows life four times as often.
    crashes: how often an entry may be in hand when a consumer dies before it is given up.
    block_ms: how long one read waits, milliseconds; a stop is noticed within it.
    """

    backoff: Backoff = BACKOFF
    tries: int = 8
    crashes: int = 5
    timeout: float = 300.0
    idle: float = 5.0
    concurrency: int = 8
    deduplicate: bool = True
    block_ms: int = BLOCK_MS


DEFAULT = Policy()
