"""python -m services.agent.spool: what was set aside is shown and given back."""

import asyncio
from pathlib import Path

import pytest

from services.agent.spool import main
from shared.leads import LeadChange
from shared.leads.spool import Spool
from tests.shared.builders import lead_context, new_call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the spool, as SPOOL_DIR names it; nothing else is set."""
    monkeypatch.setenv("SPOOL_DIR", str(tmp_path / "spool"))
    return tmp_path / "spool"


def rows(folder: Path, *, aside: bool) -> list[int]:
    async def read() -> list[int]:
        spool = Spool(folder)
        found = await (spool.set_aside_rows() if aside else spool.waiting())
        spool.close()
        return [row.id for row in found]

    return asyncio.run(read())


@pytest.fixture
def aside(folder: Path) -> str:
    """Two rows that were set aside, and one that waits; the lead's id."""

    async def fill() -> str:
        spool, context = Spool(folder), lead_context(new_call())
        for number in (1, 2, 3):
            change = LeadChange(field="name", value="ஆஷா", attempt=1, sequence=number)
            await spool.add(context, [change])
        first, second, _ = await spool.waiting()
        await spool.set_aside(first, "cannot be read: 0.attempt: int_type")
        await spool.set_aside(second, "Redis refuses it: ResponseError")
        spool._db.execute("UPDATE changes SET changes = ? WHERE id = 2", (b"\xff{",))
        spool.close()
        return context.lead_id

    return asyncio.run(fill())


def test_list_says_which_leads_wait_and_why(aside: str, capsys: pytest.CaptureFixture[str]) -> None:
    """/readyz says that something is set aside; nobody could find out what."""
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"1  {aside}  cannot be read: 0.attempt: int_type",
        f"2  {aside}  Redis refuses it: ResponseError",
        "2 set aside, 1 waiting for Redis",
    ]


def test_show_prints_all_of_one_even_garbage(
    aside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a caller said could be saved by hand, but for a traceback."""
    assert main(["show", "1"]) == 0
    assert "ஆஷா" in capsys.readouterr().out
    assert main(["show", "2"]) == 0
    assert "\\udcff{" in capsys.readouterr().out
    assert main(["show", "3"]) == 1
    assert capsys.readouterr().err == "nothing with the id 3 is set aside\n"


@pytest.mark.parametrize(
    ("arguments", "given"), [([], [1, 2, 3]), (["2"], [2, 3]), (["1", "2"], [1, 2, 3])]
)
def test_retry_gives_back(
    folder: Path,
    aside: str,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    given: list[int],
) -> None:
    assert main(["retry", *arguments]) == 0
    assert rows(folder, aside=False) == given
    assert capsys.readouterr().out.startswith(f"{len(given) - 1} given back")


def test_a_folder_without_a_spool_is_named_and_not_filled(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong SPOOL_DIR would look like a spool in which nothing waits."""
    assert main(["list"]) == 1
    assert capsys.readouterr().err == f"SPOOL_DIR: there is no spool in {folder}\n"
    assert not folder.exists()
