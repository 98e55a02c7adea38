"""All destinations: the DESTINATION of each module of this folder."""

import re
from typing import Any

from services.leads import destinations
from services.leads.destinations.base import Destination
from shared.deliveries import LEAD_CAPTURE
from shared.discovery import discover

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

AnyDestination = type[Destination[Any, Any]]


def all_destinations() -> tuple[AnyDestination, ...]:
    """The destinations, lead-capture first and the others by name. Raises TypeError for a fault."""
    found: list[AnyDestination] = discover(destinations, "DESTINATION", Destination)
    names = [each.name for each in found]
    for each in found:
        if not NAME.fullmatch(each.name) or names.count(each.name) > 1:
            raise TypeError(f"{each.__name__}: {each.name!r} is no name, or there twice")
        if each.setting() not in each.settings.model_fields:
            raise TypeError(f"{each.__name__}: its settings have no {each.setting()}")
    return tuple(sorted(found, key=lambda each: (each.name != LEAD_CAPTURE, each.name)))


DESTINATIONS = all_destinations()
