"""A leads replica that can tell where it hangs, with a fault built in to show that the run notices.

python -m tests.chaos.replica [FAULT]. Never part of the product.
early-ack: an attempt is recorded as acknowledged before it is posted.
no-grace: the grace of an attempt is ignored, so one key may be in flight twice.
"""

import sys
from dataclasses import replace
from typing import Any

from services.leads import main
from services.leads.delivery.model import AttemptResult
from services.leads.delivery.policy import DeliveryPolicy
from services.leads.delivery.response_policy import Decision
from services.leads.delivery.worker import DeliveryWorker
from shared.deliveries import Attempt
from tests.chaos.stacks import tell_on_signal


def _early_ack() -> None:
    burst = DeliveryWorker._burst

    async def acknowledged_first(self: Any, claimed: Any, claimed_at: float) -> None:
        decision = Decision("acknowledged", "works", "")
        attempt = Attempt(
            revision=claimed.revision, attempt=claimed.attempt, at_ms=0, outcome="acknowledged"
        )
        await self._record(AttemptResult(claimed, decision, attempt), more=False)
        await burst(self, claimed, claimed_at)

    DeliveryWorker._burst = acknowledged_first  # type: ignore[method-assign]


def _no_grace() -> None:
    options = DeliveryPolicy.options
    DeliveryPolicy.options = lambda self: options(replace(self, grace=0.05))  # type: ignore[method-assign]


BROKEN = {"early-ack": _early_ack, "no-grace": _no_grace}

if __name__ == "__main__":
    tell_on_signal()
    for fault in sys.argv[1:]:
        BROKEN[fault]()
    main.main()
