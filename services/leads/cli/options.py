"""Options that several commands have, and how a state looks."""

from typing import Annotated

import typer

from services.leads.destinations.registry import DESTINATIONS
from shared.deliveries import LEAD_CAPTURE, DeliveryState

COLOURS = {
    "acknowledged": "green",
    "unconfirmed": "yellow",
    "retrying": "yellow",
    "parked": "magenta",
    "dead": "red",
}

StateOption = Annotated[
    DeliveryState | None, typer.Option("--state", help="Only those in this state.")
]
LimitOption = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most this many.")]


def _destination(name: str) -> str:
    names = [each.name for each in DESTINATIONS]
    if name not in names:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, names))}.")
    return name


DestinationOption = Annotated[
    str,
    typer.Option(
        "--to",
        help="The destination.",
        callback=_destination,
        metavar=f"[{'|'.join(each.name for each in DESTINATIONS)}]",
    ),
]
DEFAULT_DESTINATION = LEAD_CAPTURE


def coloured(state: str) -> str:
    return f"[{COLOURS.get(state, 'default')}]{state}[/]"
