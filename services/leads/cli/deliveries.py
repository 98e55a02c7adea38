"""bolchaal leads list | show | replay: deliveries, what became of them, and sending them again."""

import json
import sys
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table

from services.leads.cli.command import err, open_redis, out, run
from services.leads.cli.options import (
    DEFAULT_DESTINATION,
    DestinationOption,
    LimitOption,
    StateOption,
    coloured,
)
from shared.clock import from_ms
from shared.deliveries import LEAD_CAPTURE, Deliveries, Delivery, DeliveryState
from shared.errors import NotFound
from shared.leads import Leads


def list_(
    state: StateOption = None,
    limit: LimitOption = 50,
    to: DestinationOption = DEFAULT_DESTINATION,
    as_json: Annotated[bool, typer.Option("--json", help="An object a line.")] = False,
) -> None:
    """The newest deliveries first."""
    run(_list(state, limit, to, as_json))


async def _list(state: DeliveryState | None, limit: int, to: str, as_json: bool) -> None:
    async with open_redis() as redis:
        deliveries = Deliveries(redis)
        found = await deliveries.latest(to, state=state, limit=limit)
        counts = await deliveries.counts(to)
    if as_json:
        for each in found:
            sys.stdout.write(each.model_dump_json(exclude={"attempts"}) + "\n")
        return
    out.print(_table(found))
    out.print(", ".join(f"{count} {name}" for name, count in counts.items()))


def _table(deliveries: list[Delivery]) -> Table:
    table = Table("id", "revision", "state", "tries", "next attempt", "call")
    for each in deliveries:
        table.add_row(
            each.subject,
            str(each.revision),
            coloured(each.state),
            str(each.tries),
            from_ms(each.next_ms) if each.next_ms and each.state != "posting" else "",
            each.call_id if each.call_id != each.subject else "",
        )
    return table


def show(
    subject: Annotated[str, typer.Argument(metavar="ID", help="A lead's id, or a call's.")],
    to: DestinationOption = DEFAULT_DESTINATION,
) -> None:
    """One lead: what is known, and every attempt to deliver it."""
    run(_show(subject, to))


async def _show(subject: str, to: str) -> None:
    async with open_redis() as redis:
        if to == LEAD_CAPTURE:
            lead = await Leads(redis, source="cli").get(subject)
            out.print_json(json.dumps(lead.webhook_data().model_dump(), ensure_ascii=False))
        try:
            delivery = await Deliveries(redis).get(to, subject)
        except NotFound:
            out.print("not to be sent yet: it is not complete, and its call goes on")
            return
    out.print(f"revision {delivery.revision}: {coloured(delivery.state)}")
    out.print(_attempts(delivery))


def _attempts(delivery: Delivery) -> Table:
    table = Table("at", "revision", "attempt", "took", "status", "outcome", "answer")
    for each in delivery.attempts:
        table.add_row(
            from_ms(each.at_ms),
            str(each.revision),
            str(each.attempt),
            "" if each.duration_ms is None else f"{each.duration_ms} ms",
            "" if each.status is None else str(each.status),
            f"{each.outcome}: {each.why}" if each.why else each.outcome,
            each.answer,
        )
    return table


def replay(
    subjects: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    state: Annotated[
        DeliveryState | None,
        typer.Option("--state", help="All in this state: dead, parked, unconfirmed."),
    ] = None,
    to: DestinationOption = DEFAULT_DESTINATION,
    limit: LimitOption = 1_000_000,
) -> None:
    """Sends leads again, with the same key and the whole budget of attempts."""
    if bool(subjects) == bool(state):
        raise typer.BadParameter("give ids, or --state")
    run(_replay(subjects or [], state, to, limit))


async def _replay(subjects: list[str], state: DeliveryState | None, to: str, limit: int) -> None:
    async with open_redis() as redis:
        deliveries = Deliveries(redis)
        if state:
            chosen = await deliveries.latest(to, state=state, limit=limit)
            subjects = [each.subject for each in chosen]
        again = 0
        for subject in track(subjects, "sending again", console=err, disable=len(subjects) < 2):
            if await deliveries.replay(to, subject):
                again += 1
            elif not state:
                err.print(f"{subject}: nothing to do, it has arrived or is on its way")
    out.print(f"{again} of {len(subjects)} are sent again")
