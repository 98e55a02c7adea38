"""bolchaal leads export: leads as a file."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from services.leads.cli.command import err, open_redis, out, run
from services.leads.cli.options import LimitOption, StateOption
from services.leads.export import collect, write
from shared.deliveries import DeliveryState


def export(
    path: Annotated[Path, typer.Argument(metavar="FILE", help=".csv or .jsonl")],
    state: StateOption = None,
    limit: LimitOption = 1_000_000,
) -> None:
    """Writes leads to a file: a CSV for a spreadsheet, or a JSON object a line."""
    if path.suffix not in (".csv", ".jsonl"):
        raise typer.BadParameter("the file's name must end in .csv or .jsonl")
    run(_export(path, state, limit))


async def _export(path: Path, state: DeliveryState | None, limit: int) -> None:
    async with open_redis() as redis:
        found = await collect(redis, state, limit, progress=_progress)
    write(path, found)
    out.print(f"{len(found)} leads in {path}")


def _progress(pages: Sequence[int]) -> Iterable[int]:
    return track(pages, "reading", console=err, disable=len(pages) < 2)
