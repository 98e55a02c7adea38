"""The spool: changes to leads on the local disk, for as long as Redis is away.

SQLite with synchronous=FULL: when `add` returns, a power cut loses nothing. Several processes may
use one folder (the worker and its calls); whoever comes next on that folder finds what is left.
"""

import asyncio
import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from loguru import logger
from pydantic import TypeAdapter, ValidationError

from shared.errors import Unavailable
from shared.leads.model import LeadChange, LeadContext

T = TypeVar("T")

FILE = "spool.sqlite"
BUSY_S = 5.0  # how long another process may hold the file
_CHANGES: TypeAdapter[tuple[LeadChange, ...]] = TypeAdapter(tuple[LeadChange, ...])

# `fault`: why a row was set aside; NULL while it waits.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  lead_id TEXT NOT NULL,
  context TEXT NOT NULL,
  changes TEXT NOT NULL,
  fault TEXT
)
"""
# CAST: SQLite keeps whatever it was given in a column of any type.
_COLUMNS = ", ".join(
    ("id", *(f"CAST({name} AS TEXT)" for name in ("lead_id", "context", "changes", "fault")))
)
_INSERT = "INSERT INTO changes (lead_id, context, changes) VALUES (?, ?, ?)"
# Another process may have restored the same row already.
# Rows are given as bytes, which may be no UTF-8: as text, Python would refuse to hand them on.
_RESTORE = """
WITH lost AS (SELECT CAST(?1 AS TEXT) AS lead_id, CAST(?2 AS TEXT) AS context,
  CAST(?3 AS TEXT) AS changes, CAST(?4 AS TEXT) AS fault)
INSERT INTO changes (lead_id, context, changes, fault) SELECT * FROM lost
WHERE NOT EXISTS (SELECT 1 FROM changes AS new WHERE new.lead_id = lost.lead_id
  AND new.context = lost.context AND new.changes = lost.changes)
"""


class SpoolError(Unavailable):
    """The disk does not take it (full, read-only, removed, broken): nothing was saved."""

    code = "spool"


class Unreadable(Exception):
    """A row is not what this version reads. The text says where, never what it holds."""


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """One row as it lies on the disk. `fault` says why it was set aside, None while it waits.

    `file` is the inode that it was read from: an id means nothing in another file.
    """

    file: int
    id: int
    lead_id: str
    context: str
    changes: str
    fault: str | None

    def read(self) -> tuple[LeadContext, tuple[LeadChange, ...]]:
        """What it holds. Raises Unreadable: garbage, or of a version with other fields."""
        try:
            context = LeadContext.model_validate_json(self.context)
            return context, _CHANGES.validate_json(self.changes)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the JSON"
            raise Unreadable(f"cannot be read: {where}: {first['type']}") from error


class Spool:
    """The spool in `folder`, which is created when it is not there. Raises SpoolError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        with _refusals():
            self._db, self._inode = self._open()

    def close(self) -> None:
        self._db.close()

    async def add(self, context: LeadContext, changes: Sequence[LeadChange]) -> None:
        """On the disk when it returns. Raises SpoolError: then it is not."""
        row = (
            context.lead_id,
            context.model_dump_json(),
            _CHANGES.dump_json(tuple(changes)).decode(),
        )
        await self._do(lambda db: db.execute(_INSERT, row))

    async def waiting(
        self, *, after: int = 0, lead_id: str | None = None, limit: int = 50
    ) -> list[SpoolRow]:
        """What waits, of one lead or of all, the oldest first; only rows with a higher id."""
        return await self._rows(
            "fault IS NULL AND id > ?1 AND (?2 IS NULL OR lead_id = ?2) ORDER BY id LIMIT ?3",
            (after, lead_id, limit),
        )

    async def set_aside_rows(self) -> list[SpoolRow]:
        """What was set aside, the oldest first."""
        return await self._rows("fault IS NOT NULL ORDER BY id", ())

    async def remove(self, row: SpoolRow) -> None:
        """Forgets changes that are in Redis now."""
        await self._change("DELETE FROM changes WHERE id = ?", (row.id,), row)

    async def set_aside(self, row: SpoolRow, fault: str) -> None:
        """Keeps changes that cannot go to Redis, so that others can pass; for people to see."""
        await self._change("UPDATE changes SET fault = ? WHERE id = ?", (fault, row.id), row)

    async def give_back(self, number: int | None = None) -> int:
        """Lets what was set aside wait again, one row or all of them; answers how many."""
        return await self._do(
            lambda db: (
                db.execute(
                    "UPDATE changes SET fault = NULL"
                    " WHERE fault IS NOT NULL AND (?1 IS NULL OR id = ?1)",
                    (number,),
                ).rowcount
            )
        )

    async def count(self, *, set_aside: bool = False) -> int:
        """How many wait; or, with `set_aside`, how many were set aside."""
        (number,) = await self._do(
            lambda db: db.execute(
                "SELECT count(*) FROM changes WHERE (fault IS NOT NULL) = ?", (set_aside,)
            ).fetchone()
        )
        return int(number)

    @contextmanager
    def draining(self) -> Iterator[bool]:
        """True inside for one process at a time; the lock goes with the process that holds it.

        Raises SpoolError when there can be no lock: folder gone, read-only, no file handle left.
        """
        with _refusals():
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / "drain.lock").open("w")
        with lock:
            with _refusals():
                ours = _try_lock(lock.fileno())
            yield ours

    async def _rows(self, where: str, values: tuple[object, ...]) -> list[SpoolRow]:
        sql = f"SELECT {_COLUMNS} FROM changes WHERE {where}"  # noqa: S608 - both are our own texts
        return await self._do(
            lambda db: [SpoolRow(self._inode, *row) for row in db.execute(sql, values)]
        )

    async def _change(self, sql: str, values: tuple[object, ...], row: SpoolRow) -> None:
        """Changes a row, unless the file was made anew since it was read: then it comes again."""

        def change(db: sqlite3.Connection) -> None:
            if row.file == self._inode:
                db.execute(sql, values)

        await self._do(change)

    def _open(self) -> tuple[sqlite3.Connection, int]:
        """The file, made when it is not there, and its inode."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / FILE
        db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        # What is not UTF-8 is read all the same: one such row must not hide those behind it.
        db.text_factory = lambda raw: raw.decode(errors="surrogateescape")
        # WAL: readers never wait for a writer's fsync. FULL: each commit is on the disk.
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(_SCHEMA)
        return db, path.stat().st_ino

    def _was_removed(self) -> bool:
        """What SQLite writes into a removed file, nobody finds after this process."""
        try:
            return (self._folder / FILE).stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _make_anew(self) -> None:
        """The file once more, with all that the removed one held."""
        rows: list[tuple[object, ...]] = []
        with suppress(sqlite3.Error):
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM changes ORDER BY id").fetchall()  # noqa: S608 - our own text
        db, inode = self._open()
        try:
            db.execute("BEGIN")
            db.executemany(_RESTORE, [[*map(_as_bytes, row[1:])] for row in rows])
            db.execute("COMMIT")
        except BaseException:  # whatever it is, or the file stays locked for every other process
            db.close()  # the removed file is still open, and still holds the rows
            raise
        logger.error("the spool in {} was removed: made anew with {} rows", self._folder, len(rows))
        self._db.close()
        self._db, self._inode = db, inode

    async def _do(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """In a thread: an fsync may take long, and speech goes on meanwhile."""

        def locked() -> T:
            with self._lock, _refusals():
                if self._was_removed():
                    self._make_anew()
                return action(self._db)

        return await asyncio.to_thread(locked)


def _as_bytes(text: object) -> bytes | None:
    return None if text is None else str(text).encode(errors="surrogateescape")


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SpoolError(f"the spool does not take it ({error}): nothing is saved") from error
