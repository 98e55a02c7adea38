"""All destinations: every class of Destination in a module of this folder."""

import importlib
import pkgutil
import re
from collections.abc import Iterable
from typing import Any

from services.leads import destinations
from services.leads.destinations.base import Destination
from shared.deliveries import LEAD_CAPTURE

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

AnyDestination = type[Destination[Any, Any]]


def discover() -> tuple[AnyDestination, ...]:
    """The destinations, lead-capture first and the others by name. Raises TypeError for a fault."""
    found: list[AnyDestination] = []
    for module in pkgutil.iter_modules(destinations.__path__, f"{destinations.__name__}."):
        found += _declared(vars(importlib.import_module(module.name)).values(), module.name)
    names = [each.name for each in found]
    for each in found:
        if not NAME.fullmatch(each.name) or names.count(each.name) > 1:
            raise TypeError(f"{each.__name__}: {each.name!r} is no name, or there twice")
        if each.setting() not in each.settings.model_fields:
            raise TypeError(f"{each.__name__}: its settings have no {each.setting()}")
    return tuple(sorted(found, key=lambda each: (each.name != LEAD_CAPTURE, each.name)))


def _declared(values: Iterable[Any], module: str) -> list[AnyDestination]:
    return [
        value
        for value in values
        if isinstance(value, type)
        and issubclass(value, Destination)
        and value is not Destination
        and value.__module__ == module
    ]


DESTINATIONS = discover()
