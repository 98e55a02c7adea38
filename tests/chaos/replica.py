"""A leads replica with a fault built in, to show that the run notices. Never part of the product.

early-ack: an attempt is recorded as acknowledged before it is posted.
no-grace: the grace of an attempt is ignored, so one key may be in flight twice.
"""

import sys
from dataclasses import replace
from typing import Any

from services.leads import main
from services.leads.delivery import store as ledger, worker as dispatch
from services.leads.delivery.response_policy import Verdict


def _early_ack() -> None:
    attempt = dispatch.Dispatcher._attempt

    async def acknowledged_first(self: Any, claimed: Any, at: float) -> Any:
        verdict = Verdict("acknowledged", "good", "")
        history = {"revision": claimed.revision, "attempt": claimed.attempt, "at_ms": 0}
        await self._record(claimed, verdict, {**history, "outcome": "acknowledged"}, 0)
        return await attempt(self, claimed, at)

    dispatch.Dispatcher._attempt = acknowledged_first  # type: ignore[method-assign]


def _no_grace() -> None:
    options = ledger.Rules.options
    ledger.Rules.options = lambda self: options(replace(self, grace=0.05))  # type: ignore[method-assign]


BROKEN = {"early-ack": _early_ack, "no-grace": _no_grace}

if __name__ == "__main__":
    BROKEN[sys.argv[1]]()
    main.main()
