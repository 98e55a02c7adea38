"""What the scripts of the recordings did, by flow."""

from collections.abc import Awaitable, Callable

from services.sandbox.livekit.timings import Timings
from tests.sandbox.livekit.conformance.compare import Rules
from tests.sandbox.livekit.conformance.flows import (
    browsers,
    calls,
    grants,
    losses,
    participants,
    rooms,
    workers,
)
from tests.sandbox.livekit.conformance.stage import Stage

Flow = Callable[[Stage], Awaitable[None]]

FLOWS: dict[str, tuple[Flow, Rules]] = {
    "a1": (participants.a1, Rules(whole=True)),
    "b1": (grants.b1, Rules()),
    "b2": (grants.b2, Rules(counts=False)),
    "c1": (calls.c1, Rules()),
    "c2": (workers.c2, Rules(counts=False)),
    "c3": (workers.c3, Rules()),
    "c4": (workers.c4, Rules()),
    "c5": (calls.c5, Rules(tolerance_ms=2500)),
    "c8": (workers.c8, Rules()),
    "c9": (workers.c9, Rules()),
    "d1": (rooms.d1, Rules()),
    "d2": (rooms.d2, Rules()),
    "d3": (rooms.d3, Rules()),
    "d4": (rooms.d4, Rules()),
    "e1": (losses.e1, Rules()),
    "e2": (losses.e2, Rules(whole=True)),
    "g1": (browsers.g1, Rules(whole=True, browser=True, counts=False, speech=1)),
    # Time enough for a browser to publish anew before its old section is freed: 0.35 s in g3.
    "g3": (browsers.g3, Rules(whole=True, browser=True, timings=Timings(unpublish_delay=1.0))),
}
"""By the name of the recording: its script, and how strictly it is compared."""
