"""From the bus to the deliveries: which events make what wanted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.leads.delivery.store import DeliveryStore
from services.leads.destinations.base import Destination
from shared.bus import Context, Handler
from shared.clock import isoformat
from shared.events.base import Event

Handlers = Mapping[type[Event], Handler]


class EventHandler:
    """Makes wanted whatever follows from one type of event.

    Each delivery is recorded in a script that is safe to repeat, and the last one acknowledges the
    event in the same step: so the group keeps no record of handled events.
    """

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._deliveries: list[tuple[Destination[Any, Any], DeliveryStore]] = []

    def add(self, destination: Destination[Any, Any], store: DeliveryStore) -> None:
        self._deliveries.append((destination, store))

    async def __call__(self, event: Event, context: Context) -> None:
        wanted = [
            (store, want)
            for destination, store in self._deliveries
            if (want := destination.wanted(event)) is not None
        ]
        for place, (store, want) in enumerate(wanted, start=1):
            await store.want(
                want.subject,
                want.revision,
                call_id=want.call_id,
                captured_at=isoformat(event.at),
                context=context if place == len(wanted) else None,
            )
            self._wake(store.policy.name)


def handlers_by_stream(
    destinations: Iterable[tuple[Destination[Any, Any], DeliveryStore | None]],
    wake: Callable[[str], None],
) -> dict[str, Handlers]:
    """Handlers for the events of all destinations.

    Events of one without a store (its webhook is not set) are read and acknowledged, or the stream
    would grow for ever.
    """
    found: dict[str, dict[type[Event], EventHandler]] = defaultdict(dict)
    for destination, store in destinations:
        handler = found[destination.event.stream].setdefault(destination.event, EventHandler(wake))
        if store is not None:
            handler.add(destination, store)
    return {stream: dict(handlers) for stream, handlers in found.items()}
