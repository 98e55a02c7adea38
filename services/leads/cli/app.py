"""bolchaal leads list | show | replay | export | test, and bolchaal events, from a terminal.

Needs REDIS_URL (from the environment or .env); `test` needs N8N_BASE_URL instead.
"""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from services.leads import export as exporting
from services.leads.cli.events import events
from services.leads.cli.terminal import err, open_redis, out, run
from services.leads.cli.test_lead import post_trial
from services.leads.settings import LeadsSettings
from shared.clock import from_ms
from shared.deliveries import CALL_ENDED, LEAD_CAPTURE, Deliveries, Delivery
from shared.errors import NotFound
from shared.leads import Leads
from shared.runtime.settings import load

app = typer.Typer(name="bolchaal", no_args_is_help=True, add_completion=False)
leads = typer.Typer(no_args_is_help=True, help="Leads and their way to N8N.")
app.add_typer(leads, name="leads")
app.add_typer(events, name="events")

COLOURS = {
    "acknowledged": "green",
    "unconfirmed": "yellow",
    "retrying": "yellow",
    "parked": "magenta",
    "dead": "red",
}


class State(StrEnum):
    scheduled = "scheduled"
    posting = "posting"
    retrying = "retrying"
    acknowledged = "acknowledged"
    unconfirmed = "unconfirmed"
    parked = "parked"
    dead = "dead"


class Where(StrEnum):
    lead_capture = LEAD_CAPTURE
    call_ended = CALL_ENDED


StateOption = Annotated[State | None, typer.Option("--state", help="Only those in this state.")]
LimitOption = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most this many.")]
WhereOption = Annotated[Where, typer.Option("--to", help="The destination.")]


@app.callback()
def _bolchaal() -> None:
    """Bolchaal from a terminal."""


@leads.command("list")
def list_(
    state: StateOption = None,
    limit: LimitOption = 50,
    to: WhereOption = Where.lead_capture,
    as_json: Annotated[bool, typer.Option("--json", help="An object a line.")] = False,
) -> None:
    """The newest deliveries first."""
    run(_list(state, limit, to, as_json))


async def _list(state: State | None, limit: int, to: Where, as_json: bool) -> None:
    async with open_redis() as redis:
        deliveries = Deliveries(redis)
        found = await deliveries.list(to.value, state=state.value if state else None, limit=limit)
        counts = await deliveries.counts(to.value)
    if as_json:
        for each in found:
            sys.stdout.write(each.model_dump_json(exclude={"attempts"}) + "\n")
        return
    table = Table("id", "revision", "state", "tries", "next attempt", "call")
    for each in found:
        table.add_row(
            each.subject,
            str(each.revision),
            _coloured(each.state),
            str(each.tries),
            from_ms(each.next_ms) if each.next_ms and each.state != "posting" else "",
            each.call_id if to is Where.lead_capture else "",
        )
    out.print(table)
    out.print(", ".join(f"{count} {name}" for name, count in counts.items()))


@leads.command()
def show(
    subject: Annotated[str, typer.Argument(metavar="ID", help="A lead's id, or a call's.")],
    to: WhereOption = Where.lead_capture,
) -> None:
    """One lead: what is known, and every attempt to deliver it."""
    run(_show(subject, to))


async def _show(subject: str, to: Where) -> None:
    async with open_redis() as redis:
        if to is Where.lead_capture:
            lead = await Leads(redis, source="cli").get(subject)
            out.print_json(json.dumps(lead.data(), ensure_ascii=False))
        try:
            delivery = await Deliveries(redis).get(to.value, subject)
        except NotFound:
            out.print("not to be sent yet: it is not complete, and its call goes on")
            return
    out.print(f"revision {delivery.revision}: {_coloured(delivery.state)}")
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


@leads.command()
def replay(
    subjects: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    state: Annotated[
        State | None, typer.Option("--state", help="All in this state: dead, parked, unconfirmed.")
    ] = None,
    to: WhereOption = Where.lead_capture,
    limit: LimitOption = 1_000_000,
) -> None:
    """Sends leads again, with the same key and the whole budget of attempts."""
    if bool(subjects) == bool(state):
        raise typer.BadParameter("give ids, or --state")
    run(_replay(subjects or [], state, to, limit))


async def _replay(subjects: list[str], state: State | None, to: Where, limit: int) -> None:
    async with open_redis() as redis:
        deliveries = Deliveries(redis)
        if state:
            chosen = await deliveries.list(to.value, state=state.value, limit=limit)
            subjects = [each.subject for each in chosen]
        again = 0
        for subject in track(subjects, "sending again", console=err, disable=len(subjects) < 2):
            if await deliveries.replay(to.value, subject):
                again += 1
            elif not state:
                err.print(f"{subject}: nothing to do, it has arrived or is on its way")
    out.print(f"{again} of {len(subjects)} are sent again")


@leads.command()
def export(
    path: Annotated[Path, typer.Argument(metavar="FILE", help=".csv or .jsonl")],
    state: StateOption = None,
    limit: LimitOption = 1_000_000,
) -> None:
    """Writes leads to a file: a CSV for a spreadsheet, or a JSON object a line."""
    if path.suffix not in (".csv", ".jsonl"):
        raise typer.BadParameter("the file's name must end in .csv or .jsonl")
    run(_export(path, state, limit))


async def _export(path: Path, state: State | None, limit: int) -> None:
    async with open_redis() as redis:
        found = await exporting.collect(
            redis, state.value if state else None, limit, progress=_progress
        )
    exporting.write(path, found)
    out.print(f"{len(found)} leads in {path}")


def _progress(subjects: list[str]) -> Any:
    return track(subjects, "reading", console=err, disable=len(subjects) < 100)


@leads.command()
def test() -> None:
    """Sends one test lead straight to N8N, and shows the answer and what it means."""
    run(_test())


async def _test() -> None:
    trial = await post_trial(load(LeadsSettings))
    out.print(f"POST {trial.url}")
    out.print(f"answer: {trial.answer.status or trial.answer.fault} {trial.answer.text[:500]}")
    colour = COLOURS.get(trial.verdict.verdict, "red")
    out.print(f"that is: [{colour}]{trial.verdict.verdict}[/] {trial.verdict.why}")
    if trial.verdict.verdict not in ("acknowledged", "unconfirmed"):
        raise typer.Exit(1)


def _coloured(state: str) -> str:
    return f"[{COLOURS.get(state, 'default')}]{state}[/]"
