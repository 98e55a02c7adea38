"""The spool alone: what is on the disk stays, whatever becomes of its folder."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared.leads import LeadChange, LeadContext
from shared.leads.spool import FILE, Spool, SpoolError
from tests.shared.builders import lead_context, new_call


@pytest.fixture
def context() -> LeadContext:
    return lead_context(new_call())


def change(value: str, sequence: int = 1) -> LeadChange:
    return LeadChange(field="name", value=value, attempt=1, sequence=sequence)


async def names(spool: Spool) -> list[str]:
    """The values that wait, the oldest first."""
    rows = [row.read() for row in await spool.waiting()]
    return [each.value for _, changes in rows for each in changes]


async def test_what_waits_is_read_in_pages_of_one_lead_or_of_all(
    spool: Spool, context: LeadContext
) -> None:
    other = lead_context(new_call())
    for number in range(5):
        await spool.add(context if number % 2 else other, [change(str(number))])
    first = await spool.waiting(limit=2)
    rest = await spool.waiting(after=first[-1].id)
    assert [row.read()[1][0].value for row in (*first, *rest)] == ["0", "1", "2", "3", "4"]
    ours = await spool.waiting(lead_id=context.lead_id)
    assert [row.read()[1][0].value for row in ours] == ["1", "3"]
    assert ours[0].read()[0] == context
    spool.close()


async def test_half_a_surrogate_pair_is_no_reason_to_lose_a_value(
    spool: Spool, context: LeadContext
) -> None:
    """A language model that cuts an emoji in two would make the call fail at "saved"."""
    await spool.add(context, [change("Asha \ud83d")])
    assert await names(spool) == ["Asha ?"]
    spool.close()


async def test_what_is_set_aside_waits_again_when_it_is_given_back(
    spool: Spool, context: LeadContext
) -> None:
    for number in range(3):
        await spool.add(context, [change(str(number))])
    for row in await spool.waiting():
        await spool.set_aside(row, "why")
    assert await spool.waiting() == []
    aside = await spool.set_aside_rows()
    assert [row.fault for row in aside] == ["why"] * 3
    assert await spool.give_back(aside[1].id) == 1
    assert await names(spool) == ["1"]
    assert await spool.give_back() == 2
    assert await names(spool) == ["0", "1", "2"]
    assert await spool.give_back(999) == 0
    spool.close()


@pytest.mark.parametrize("removed", ["folder", "file"])
async def test_a_spool_that_was_removed_is_made_anew_with_all_that_it_held(
    spool: Spool, context: LeadContext, tmp_path: Path, removed: str
) -> None:
    """SQLite goes on writing into a removed file: what it saved there, nobody would find."""
    await spool.add(context, [change("before")])
    [row] = await spool.waiting()
    await spool.set_aside(row, "why")
    await spool.add(context, [change("waiting", 2)])
    if removed == "folder":
        shutil.rmtree(tmp_path / "spool")
    else:
        for file in (tmp_path / "spool").glob("spool.sqlite*"):
            file.unlink()
    await spool.add(context, [change("after", 3)])
    spool.close()
    found = Spool(tmp_path / "spool")
    assert await names(found) == ["waiting", "after"]
    assert [row.fault for row in await found.set_aside_rows()] == ["why"]
    found.close()


async def test_a_row_of_bytes_that_are_no_text_is_restored_as_it_was(
    spool: Spool, context: LeadContext, tmp_path: Path
) -> None:
    """One damaged row would keep the whole spool locked, and nothing could be saved any more."""
    file = tmp_path / "spool" / FILE
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        sql = "INSERT INTO changes (lead_id, context, changes, fault) VALUES (?, ?, ?, 'why')"
        db.execute(sql, (b"\xff", b"{\xfe", "a\0b"))
    shutil.rmtree(tmp_path / "spool")
    await spool.add(context, [change("after")])
    assert await names(spool) == ["after"]
    [row] = await spool.set_aside_rows()
    assert row.lead_id.encode(errors="surrogateescape") == b"\xff"
    with closing(sqlite3.connect(file)) as db:
        sql = "SELECT CAST(context AS BLOB), changes FROM changes WHERE fault = 'why'"
        assert db.execute(sql).fetchall() == [(b"{\xfe", "a\0b")]
    other = Spool(tmp_path / "spool")
    await other.add(context, [change("another process", 2)])
    assert await names(other) == ["after", "another process"]
    spool.close()
    other.close()


async def test_several_processes_restore_a_row_once(
    spool: Spool, context: LeadContext, tmp_path: Path
) -> None:
    """The worker and each of its calls see that the file is gone."""
    other = Spool(tmp_path / "spool")
    await spool.add(context, [change("before")])
    shutil.rmtree(tmp_path / "spool")
    await other.add(context, [change("after", 2)])
    assert await names(spool) == ["before", "after"]
    assert await names(other) == ["before", "after"]
    spool.close()
    other.close()


async def test_an_id_of_a_removed_file_means_nothing_in_the_next(
    spool: Spool, context: LeadContext, tmp_path: Path
) -> None:
    """A value that only the new file holds would be deleted in place of one that was sent."""
    await spool.add(context, [change("sent")])
    [row] = await spool.waiting()
    shutil.rmtree(tmp_path / "spool")
    fresh = Spool(tmp_path / "spool")  # of a process that knows nothing of the old one
    await fresh.add(context, [change("new", 2)])
    assert [each.id for each in await fresh.waiting()] == [row.id]
    await spool.remove(row)
    await spool.set_aside(row, "why")
    assert await names(fresh) == ["new", "sent"]
    assert await fresh.count(set_aside=True) == 0
    spool.close()
    fresh.close()


async def test_a_removed_spool_that_cannot_be_made_anew_says_that_nothing_is_saved(
    spool: Spool, context: LeadContext, tmp_path: Path
) -> None:
    await spool.add(context, [change("before")])
    shutil.rmtree(tmp_path / "spool")
    (tmp_path / "spool").write_text("")
    for _ in range(2):
        with pytest.raises(SpoolError, match="nothing is saved"):
            await spool.add(context, [change("meanwhile", 2)])
    (tmp_path / "spool").unlink()
    await spool.add(context, [change("after", 3)])
    assert await names(spool) == ["before", "after"]
    spool.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A read-only volume would be noticed on the day it is needed."""
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SpoolError, match="the spool does not take it"):
        Spool(file)


def test_only_one_process_drains(spool: Spool, tmp_path: Path) -> None:
    """Every call of a worker would drain at the same time."""
    other = Spool(tmp_path / "spool")
    with spool.draining() as ours, other.draining() as theirs:
        assert (ours, theirs) == (True, False)
    with other.draining() as theirs:
        assert theirs
    spool.close()
    other.close()
