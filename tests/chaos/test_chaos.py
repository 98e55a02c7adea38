"""A small chaos run, and the judge that would see what went wrong in it."""

import signal
import sys
from pathlib import Path

import pytest

from services.sandbox.n8n.records import Received
from tests.chaos.child import Child, stacks
from tests.chaos.judge import Verdict, arrived, duplicates, judge, out_of_order
from tests.chaos.plan import VICTIMS, plan, script
from tests.chaos.run import Chaos
from tests.waiting import until


@pytest.mark.chaos
async def test_leads_in_are_leads_out_whatever_dies(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A lead once captured would be lost, doubled or overwritten by an older one."""
    caplog.set_level("CRITICAL", logger="aiohttp.server")  # clients hang up all the time
    chaos = Chaos(plan(60, 7, down_for=2.0), tmp_path, print)
    verdict = await chaos.run(timeout=90.0)
    print(verdict.line())
    assert chaos.trouble is None
    assert verdict.good, verdict.line()


async def test_a_process_that_hangs_tells_where(tmp_path: Path) -> None:
    """A run that is red because something hangs would say nothing of what."""
    begin = (
        "import asyncio, time\nfrom tests.chaos.stacks import tell_on_signal\ntell_on_signal()\n"
    )
    said = "print('ready', flush=True)"
    waits = (
        f"async def for_ever():\n  {said}\n  await asyncio.Event().wait()\nasyncio.run(for_ever())"
    )
    stuck = f"def in_a_thread():\n  {said}\n  time.sleep(600)\nin_a_thread()"
    children = [
        Child(name, lambda _, code=code: [sys.executable, "-c", begin + code], {}, tmp_path / name)  # type: ignore[misc]
        for name, code in (("waits", waits), ("stuck", stuck))
    ]
    for child in children:
        await child.start()

        async def ready(child: Child = child) -> bool:
            return "ready" in child.last_words()

        await until(ready, timeout=20)
    told = await stacks(children, patience=0.5)
    assert "--- waits hangs:" in told
    assert "for_ever" in told
    assert "in in_a_thread" in told
    for child in children:
        await child.end(signal.SIGKILL)


def test_a_plan_comes_from_its_seed_alone() -> None:
    """A run that failed could not be repeated."""
    assert plan(500, 3, down_for=20.0) == plan(500, 3, down_for=20.0)
    assert plan(500, 3, down_for=20.0) != plan(500, 4, down_for=20.0)
    assert script(3, 17) == script(3, 17)
    small = plan(1, 1, down_for=1.0)
    assert len(small.kills) >= 10
    assert {victim for _, victim in small.kills} == set(VICTIMS)


def _post(revision: int, begun: float, **more: float) -> Received:
    return Received("lead-capture", f"a.{revision}", "a", revision, begun, **more)  # type: ignore[arg-type]


def test_a_key_that_was_recorded_twice_is_counted() -> None:
    """A run with duplicates would be green."""
    twice = [_post(1, 0.0, recorded=0.5), _post(1, 0.3, recorded=0.9), _post(2, 1.0, recorded=1.5)]
    assert duplicates(twice) == 1
    assert duplicates([twice[0], _post(1, 0.3), twice[2]]) == 0


def test_an_older_revision_after_a_newer_one_is_counted() -> None:
    """A run in which old values overwrite new ones would be green."""
    newer = _post(2, 0.0, recorded=0.5, acknowledged=0.6)
    assert out_of_order([newer, _post(1, 0.7)]) == 1
    assert out_of_order([newer, _post(1, 0.5)]) == 0, "it began before"
    assert out_of_order([_post(2, 0.0, recorded=0.5), _post(1, 0.7)]) == 0, "not acknowledged"


def test_a_lead_counts_as_delivered_with_all_that_was_said() -> None:
    """A lead that arrived without its correction would count as delivered."""
    one = next(s for s in (script(1, n) for n in range(100)) if len(s.steps) == 3)
    assert arrived(one, {**one.values, "revision": 3})
    assert not arrived(one, {**one.values, "name": one.steps[0][1]})
    assert not arrived(one, None)


def test_the_verdict_is_red_for_each_thing_that_can_be_wrong() -> None:
    """The exit code would say that all is well."""
    good = {"leads": 100, "captured": 100, "delivered": 100, "lost": 0, "duplicates": 0}
    good |= {"out_of_order": 0, "kills": 10, "faults": 11}
    assert Verdict(**good).good
    assert Verdict(**good).line() == (
        "captured 100 delivered 100 lost 0 duplicates-recorded 0 out-of-order 0 kills 10 faults 11"
    )
    for name, value in [
        ("captured", 99),
        ("delivered", 99),
        ("lost", 1),
        ("duplicates", 1),
        ("out_of_order", 1),
        ("kills", 9),
        ("faults", 10),
    ]:
        assert not Verdict(**{**good, name: value}).good, name


def test_what_was_not_saved_does_not_count_as_captured() -> None:
    """A publisher that never got "saved" for a lead would make it look lost."""
    scripts = [script(1, 0), script(1, 1)]
    saved = {0: len(scripts[0].steps)}
    rows = {scripts[0].context.lead_id: scripts[0].values}
    verdict = judge(scripts, saved, rows, [], kills=10, faults=10)
    assert (verdict.captured, verdict.delivered, verdict.lost) == (1, 1, 0)
    assert not verdict.good
