"""The command line, as an operator uses it after a bad night."""

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner

from services.leads.cli import command
from services.leads.cli.app import app
from shared.bus import DeadLetters
from shared.deliveries import LEAD_CAPTURE, Deliveries
from shared.redis import keys
from tests.leads.world import Caller, delivering, receiving
from tests.valkey import free_port
from tests.waiting import until

runner = CliRunner()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env of the developer's own
    monkeypatch.setenv("REDIS_URL", redis_url)
    for console in (command.out, command.err):
        monkeypatch.setattr(console, "_width", 300)


async def _bolchaal(*arguments: str, group: str = "leads") -> tuple[int, str]:
    """Exit code and output. The command has an event loop of its own, hence the thread."""
    result = await asyncio.to_thread(runner.invoke, app, [group, *arguments])
    return result.exit_code, result.output


async def _dead(redis: Redis, redis_url: str, count: int) -> list[Caller]:
    callers = [Caller(redis) for _ in range(count)]
    async with delivering(redis, redis_url, *[(422, "no budget given")] * 9):
        for caller in callers:
            await caller.gives_all()
            await caller.reaches("dead")
    return callers


async def test_list_and_show(redis: Redis, redis_url: str) -> None:
    """Nobody would see which leads did not arrive, and why."""
    (caller,) = await _dead(redis, redis_url, 1)
    code, text = await _bolchaal("list", "--state", "dead")
    assert code == 0
    assert caller.lead_id in text
    assert "0 waiting, 0 parked, 1 dead" in text
    code, text = await _bolchaal("list", "--json")
    assert json.loads(text)["state"] == "dead"
    code, text = await _bolchaal("show", caller.lead_id)
    assert code == 0
    for expected in ("+919876543210", "422", "no budget given"):
        assert expected in text
    code, text = await _bolchaal("list", "--state", "acknowledged")
    assert caller.lead_id not in text


async def test_replay_sends_all_dead_letters_again(redis: Redis, redis_url: str) -> None:
    """After N8N is mended, each lead would have to be typed in by hand."""
    callers = await _dead(redis, redis_url, 3)
    code, text = await _bolchaal("replay", "--state", "dead")
    assert (code, text.strip().splitlines()[-1]) == (0, "3 of 3 are sent again")
    async with delivering(redis, redis_url) as n8n:
        for caller in callers:
            await caller.reaches("acknowledged")
    assert len(n8n.posts) == 3
    code, text = await _bolchaal("replay", callers[0].lead_id)
    assert "0 of 1" in text


async def test_a_mistake_is_one_line(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback tells an operator nothing."""
    code, text = await _bolchaal("replay", "nobody")
    assert (code, text) == (1, "nobody was never to be sent to lead-capture\n")
    code, text = await _bolchaal("show", "nobody")
    assert (code, text) == (1, "no lead nobody\n")
    code, _ = await _bolchaal("replay")
    assert code == 2
    code, _ = await _bolchaal("export", "leads.xls")
    assert code == 2
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    code, text = await _bolchaal("list")
    assert (code, text) == (1, "REDIS_URL: Redis does not answer (ConnectionError)\n")


async def test_export(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """Leads could not be had without N8N."""
    caller = Caller(redis)
    await caller.says(name="=HYPERLINK(1)", phone="+919876543210", budget="पचास लाख")
    code, text = await _bolchaal("export", "leads.csv")
    assert (code, text.strip()) == (0, "1 leads in leads.csv")
    assert (tmp_path / "leads.csv").read_bytes().startswith(b"\xef\xbb\xbflead_id,"), (
        "without a byte-order mark Excel garbles Devanagari"
    )
    with (tmp_path / "leads.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == "'=HYPERLINK(1)", "a caller must not put a formula into a spreadsheet"
    assert (row["phone"], row["fields.budget"]) == ("+919876543210", "पचास लाख")
    await _bolchaal("export", "leads.jsonl")
    assert (tmp_path / "leads.jsonl").read_bytes().startswith(b"{"), "no mark: programs read it"
    lead: dict[str, Any] = json.loads((tmp_path / "leads.jsonl").read_text(encoding="utf-8"))
    assert (lead["lead_id"], lead["delivery"]) == (caller.lead_id, "scheduled")
    await _dead(redis, redis_url, 1)
    _, text = await _bolchaal("export", "dead.csv", "--state", "dead")
    assert "2 leads" in text


async def test_a_test_lead_shows_what_n8n_says(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets up a workflow would have to make a call for every try."""
    code, text = await _bolchaal("test")
    assert (code, text) == (
        1,
        "N8N_BASE_URL: not set, expected: the N8N to send a test lead to\n",
    )
    async with receiving(replies=[(403, "Authorization data is wrong!")]) as n8n:
        monkeypatch.setenv("N8N_BASE_URL", n8n.url)
        code, text = await _bolchaal("test")
        assert code == 1
        assert "N8N refuses our credentials (403)" in text
        code, text = await _bolchaal("test")
        assert (code, text.strip().endswith("acknowledged")) == (0, True)
    assert n8n.posts[0].payload["data"]["test"] is True
    assert await Deliveries(redis).latest(LEAD_CAPTURE) == []


async def test_events_that_could_not_be_read_are_shown_and_handled_again(
    redis: Redis, redis_url: str
) -> None:
    """A lead whose event was damaged would be missing, and nobody know."""
    caller = Caller(redis)
    await caller.gives_all()
    found: Any = await redis.xrange(keys.LEADS)
    ((entry_id, fields),) = found
    await redis.xdel(keys.LEADS, entry_id)
    damaged: dict[Any, Any] = {**fields, "data": "{"}
    await redis.xadd(keys.LEADS, damaged)
    async with delivering(redis, redis_url):
        letters = DeadLetters(redis, keys.LEADS, "leads")
        await until(letters.count)
        code, text = await _bolchaal("list", group="events")
        assert code == 0
        assert "lead.changed" in text
        assert "unreadable lead.changed: JSONDecodeError" in text
        code, text = await _bolchaal("replay", "--all", group="events")
        assert (code, text.strip().splitlines()[-1]) == (0, "1 of 1 are handled again")
        await until(letters.count)
        code, text = await _bolchaal("replay", "0-1", group="events")
        assert (code, text) == (1, "no dead letter 0-1\n")
