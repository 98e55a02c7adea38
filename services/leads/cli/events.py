"""bolchaal events list | replay: events of the bus that a service has given up."""

from typing import Annotated, cast

import typer
from redis.asyncio import Redis
from rich.progress import track
from rich.table import Table

from services.leads.cli.command import err, open_redis, out, run
from shared.bus import DeadLetters
from shared.clock import from_ms
from shared.errors import NotFound
from shared.events import ALL
from shared.redis import keys

events = typer.Typer(
    no_args_is_help=True, help="Events of the bus that a service could not handle."
)


@events.command("list")
def list_() -> None:
    """Every dead letter with its reason, the oldest first."""
    run(_list())


async def _list() -> None:
    table = Table("id", "stream", "group", "event", "tries", "since", "why")
    async with open_redis() as redis:
        for stream, group in await _places(redis):
            for letter in await DeadLetters(redis, stream, group).list(limit=1_000):
                table.add_row(
                    letter.id,
                    stream.removeprefix(keys.PREFIX),
                    group,
                    f"{letter.type} {letter.event_id}",
                    str(letter.tries),
                    from_ms(letter.dead_ms),
                    letter.why,
                )
    out.print(table)


@events.command()
def replay(
    letter_id: Annotated[str | None, typer.Argument(metavar="[ID]")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Gives dead letters to their group once more, as if for the first time."""
    if (letter_id is None) != everything:
        raise typer.BadParameter("give an id, or --all")
    run(_replay(letter_id))


async def _replay(letter_id: str | None) -> None:
    async with open_redis() as redis:
        chosen = [
            (letters, letter.id)
            for stream, group in await _places(redis)
            for letters in [DeadLetters(redis, stream, group)]
            for letter in await letters.list(limit=1_000_000)
            if letter_id in (None, letter.id)
        ]
        if letter_id and not chosen:
            raise NotFound(f"no dead letter {letter_id}")
        again = 0
        for letters, each in track(chosen, "sending again", console=err, disable=len(chosen) < 2):
            again += await letters.replay(each)
    out.print(f"{again} of {len(chosen)} are handled again")


async def _places(redis: Redis) -> list[tuple[str, str]]:
    """Streams and groups that have dead letters."""
    found: list[tuple[str, str]] = []
    for stream in {event.stream for event in ALL}:
        prefix = keys.dead_letters(stream, "")
        groups = [cast("str", key) async for key in redis.scan_iter(f"{prefix}*")]
        found += ((stream, group.removeprefix(prefix)) for group in groups)
    return sorted(found)
