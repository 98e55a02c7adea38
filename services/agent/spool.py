"""What the spool has set aside: python -m services.agent.spool list | show ID | retry [ID ...]

Reads SPOOL_DIR alone, so that it runs beside a running agent, or in its image without one. `show`
prints what callers said: mind who reads along.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from services.agent.settings import WorkerSettings
from shared.errors import BolchaalError, NotFound
from shared.leads.spool import Spool, SpoolError
from shared.runtime.settings import load


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 with one line that says what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m services.agent.spool",
        description="Changes to leads that were set aside: this version could not read them, or"
        " Redis refused them. They are kept until they are given back.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="a line each: id, lead, why")
    show = commands.add_parser("show", help="all that one of them holds")
    show.add_argument("id", type=int)
    retry = commands.add_parser("retry", help="give them back: the agent tries them again")
    retry.add_argument("id", type=int, nargs="*", help="all of them when none is named")
    given = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # garbage, too
    try:
        asyncio.run(_run(given, load(WorkerSettings).spool_dir))
    except BolchaalError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


async def _run(given: argparse.Namespace, folder: Path) -> None:
    if not (folder / "spool.sqlite").exists():
        raise SpoolError(f"SPOOL_DIR: there is no spool in {folder}")
    spool = Spool(folder)
    try:
        if given.command == "list":
            await _list(spool)
        elif given.command == "show":
            await _show(spool, given.id)
        else:
            await _retry(spool, given.id)
    finally:
        spool.close()


async def _list(spool: Spool) -> None:
    for row in await spool.set_aside_rows():
        sys.stdout.write(f"{row.id}  {row.lead_id}  {row.fault}\n")
    waiting, aside = await spool.count(), await spool.count(set_aside=True)
    sys.stdout.write(f"{aside} set aside, {waiting} waiting for Redis\n")


async def _show(spool: Spool, number: int) -> None:
    found = [row for row in await spool.set_aside_rows() if row.id == number]
    if not found:
        raise NotFound(f"nothing with the id {number} is set aside")
    sys.stdout.write(f"{found[0].fault}\ncontext: {found[0].context}\n")
    sys.stdout.write(f"changes: {found[0].changes}\n")


async def _retry(spool: Spool, numbers: list[int]) -> None:
    if numbers:
        given = sum([await spool.give_back(number) for number in numbers])
    else:
        given = await spool.give_back()
    sys.stdout.write(f"{given} given back: the agent tries them within a second\n")


if __name__ == "__main__":
    raise SystemExit(main())
