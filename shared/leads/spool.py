"""The spool: changes to leads on the local disk, for as long as Redis is away.

SQLite with synchronous=FULL: when `add` returns, a power cut loses nothing. Several processes may
use one folder (the worker and its calls); whoever comes next on that folder finds what is left.
"""

import asyncio
import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared.errors import Unavailable
from shared.leads.model import LeadChange, LeadContext

T = TypeVar("T")

BUSY_S = 5.0  # how long another process may hold the file
_CHANGES: TypeAdapter[tuple[LeadChange, ...]] = TypeAdapter(tuple[LeadChange, ...])

_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  lead_id TEXT NOT NULL,
  context TEXT NOT NULL,
  changes TEXT NOT NULL,
  fault TEXT
)
"""


class SpoolError(Unavailable):
    """The disk does not take it (full, read-only, broken): nothing was saved."""

    code = "spool"


class Spooled(BaseModel):
    """Changes of one lead that wait, in the order in which they came."""

    model_config = ConfigDict(frozen=True)

    id: int
    context: LeadContext
    changes: tuple[LeadChange, ...]


class Spool:
    """The spool in `folder`, which is created when it is not there. Raises SpoolError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        with _refusals():
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                folder / "spool.sqlite",
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            # WAL: readers never wait for a writer's fsync. FULL: each commit is on the disk.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    async def add(self, context: LeadContext, changes: Sequence[LeadChange]) -> None:
        """On the disk when it returns. Raises SpoolError: then it is not."""
        row = (
            context.lead_id,
            context.model_dump_json(),
            _CHANGES.dump_json(tuple(changes)).decode(),
        )
        await self._do(
            lambda db: db.execute(
                "INSERT INTO changes (lead_id, context, changes) VALUES (?, ?, ?)", row
            )
        )

    async def oldest(self, limit: int = 50, *, lead_id: str | None = None) -> list[Spooled]:
        """What waits, of one lead or of all, the oldest first."""
        rows = await self._do(
            lambda db: db.execute(
                "SELECT id, context, changes FROM changes"
                " WHERE fault IS NULL AND (?1 IS NULL OR lead_id = ?1) ORDER BY id LIMIT ?2",
                (lead_id, limit),
            ).fetchall()
        )
        return [
            Spooled(
                id=number,
                context=LeadContext.model_validate_json(context),
                changes=_CHANGES.validate_json(changes),
            )
            for number, context, changes in rows
        ]

    async def remove(self, number: int) -> None:
        """Forgets changes that are in Redis now."""
        await self._do(lambda db: db.execute("DELETE FROM changes WHERE id = ?", (number,)))

    async def set_aside(self, number: int, fault: str) -> None:
        """Keeps changes that Redis will never take, so that others can pass; for people to see."""
        await self._do(
            lambda db: db.execute("UPDATE changes SET fault = ? WHERE id = ?", (fault, number))
        )

    async def count(self, *, set_aside: bool = False) -> int:
        """How many wait; or, with `set_aside`, how many were set aside."""
        which = "IS NOT NULL" if set_aside else "IS NULL"
        (number,) = await self._do(
            lambda db: db.execute(f"SELECT count(*) FROM changes WHERE fault {which}").fetchone()  # noqa: S608 - one of the two texts above
        )
        return int(number)

    @contextmanager
    def draining(self) -> Iterator[bool]:
        """True inside for one process at a time; the lock goes with the process that holds it."""
        with (self._folder / "drain.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    async def _do(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """In a thread: an fsync may take long, and speech goes on meanwhile."""

        def locked() -> T:
            with self._lock, _refusals():
                return action(self._db)

        return await asyncio.to_thread(locked)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SpoolError(
            f"the spool does not take it ({error}): nothing is saved", retry_after=5
        ) from error
