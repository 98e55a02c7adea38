"""Today's version starts on what yesterday's left behind: no lead may fall between the two."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from deploy import docs
from services.sandbox.n8n import N8nStandIn
from shared.bus import Bus, DeadLetters, read_group_stats
from shared.calls import Calls
from shared.deliveries import LEAD_CAPTURE, Deliveries
from shared.leads import Leads
from shared.leads.spool import Spool
from shared.leads.store_and_forward import StoreAndForward
from shared.profiles import ProfileReader
from shared.redis import keys
from shared.redis.client import connect
from shared.runtime.health import read_reports
from tests.leads.world import Receiver, receiving
from tests.service import Service
from tests.upgrade.yesterday import Yesterday, unpack
from tests.valkey import free_port
from tests.waiting import until

A_MOMENT = 5.0  # the grace of what was in flight (60 s) is not over, nothing that waits is due
AN_HOUR = 3600.0  # everything is due
PLAIN = {"PATH": os.environ["PATH"], "COLUMNS": "200"}  # tables of a width that cuts nothing


@asynccontextmanager
async def left(folder: Path, *, ago: float) -> AsyncIterator[tuple[Yesterday, Redis]]:
    """The old data in a running Valkey."""
    yesterday = unpack(folder, ago=ago)
    yesterday.valkey.start()
    redis = connect(yesterday.valkey.url)
    try:
        yield yesterday, redis
    finally:
        await redis.aclose()
        yesterday.valkey.kill()


def leads(yesterday: Yesterday, receiver: Receiver, folder: Path) -> Service:
    """The leads service as a process that posts to the receiver."""
    environment = {
        "REDIS_URL": yesterday.valkey.url,
        "N8N_BASE_URL": receiver.url,
        "N8N_WEBHOOK_CALL_ENDED": "/webhook/call-ended",
        "HEALTH_PORT": "0",
    }
    return Service("leads", environment, folder)


async def bolchaal(yesterday: Yesterday, *arguments: str) -> str:
    """What the command line says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.leads.cli", *arguments),
        cwd=docs.ROOT,
        env={**PLAIN, "REDIS_URL": yesterday.valkey.url},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def nothing_waits(redis: Redis) -> bool:
    for stream in (keys.LEADS, keys.CALLS):
        stats = await read_group_stats(redis, stream, "leads")
        if stats.lag or stats.pending or stats.scheduled:
            return False
    due = [keys.deliveries_due("lead-capture"), keys.deliveries_due("call-ended")]
    return not any([await redis.zcard(key) for key in due])


async def take_up(yesterday: Yesterday, redis: Redis) -> None:
    """What agents do after the update: empty the spool, go on with the call, end it."""
    spool = Spool(yesterday.spool)
    await StoreAndForward(Leads(redis, source="agent"), spool).drain_once()
    assert await spool.count() == 0
    calls = Calls(redis, source="agent")
    call_id = yesterday.calls["under_way"]
    held = await calls.take(call_id, "agent-of-today")
    assert held.attempt == 2
    ended = await calls.end(await calls.get(call_id), "agent_finished", held=held)
    assert (ended.first, ended.outcome) == (True, "lead_complete")
    spool.close()


async def test_all_that_yesterday_left_arrives_once(tmp_path: Path) -> None:
    """An update would lose the leads that were on their way, or send them twice."""
    async with left(tmp_path, ago=AN_HOUR) as (yesterday, redis), receiving() as receiver:
        with leads(yesterday, receiver, tmp_path):
            await take_up(yesterday, redis)
            await until(lambda: nothing_waits(redis), timeout=30, every=0.05)
        key, report = yesterday.key, yesterday.report
        waiting = ("posting", "retrying", "parked", "scheduled", "put_off", "pending", "unread")
        expected = [key(label) for label in waiting]
        expected += [key("only_spooled", 2), key("under_way", 3)]
        reports = ("report_parked", "report_put_off", "report_pending", "report_unread")
        expected += [report(label) for label in (*reports, "under_way")]
        assert sorted(post.key for post in receiver.posts) == sorted(expected)
        by_key = {post.key: post.payload["data"] for post in receiver.posts}
        assert by_key[key("under_way", 3)]["phone"] == "+919800000002"
        assert by_key[key("under_way", 3)]["fields"] == {"q1": "Dr Rao"}
        assert by_key[key("only_spooled", 2)]["name"] == "only_spooled"
        said = by_key[report("under_way")]["transcript"]
        assert [turn["text"] for turn in said] == ["வணக்கம்", "பல் வலி"]
        assert by_key[report("under_way")]["lead"]["revision"] == 3


async def test_what_is_not_due_yet_waits_for_its_time(tmp_path: Path) -> None:
    """A lead that N8N may still be at work on would be recorded twice."""
    async with left(tmp_path, ago=A_MOMENT) as (yesterday, redis), receiving() as receiver:
        with leads(yesterday, receiver, tmp_path):
            due = ("parked", "scheduled", "pending", "unread")
            reports = ("report_parked", "report_pending", "report_unread")
            expected = {yesterday.key(label) for label in due}
            expected |= {yesterday.report(label) for label in reports}
            await receiver.wait(lambda me: {post.key for post in me.posts} >= expected, 30)
            assert sorted(post.key for post in receiver.posts) == sorted(expected)
        waiting = await redis.zrange(keys.deliveries_due(LEAD_CAPTURE), 0, -1)
        assert set(waiting) == {yesterday.key("posting"), yesterday.key("retrying")}
        for stream in (keys.LEADS, keys.CALLS):
            assert await redis.zcard(keys.retry_due(stream, "leads")) == 1


async def test_an_attempt_whose_process_died_is_told_as_lost(tmp_path: Path) -> None:
    """An operator would not see why N8N has a lead twice in its log."""
    async with left(tmp_path, ago=AN_HOUR) as (yesterday, redis), receiving() as receiver:
        with leads(yesterday, receiver, tmp_path):
            await until(lambda: nothing_waits(redis), timeout=30, every=0.05)
        delivery = await Deliveries(redis).get(LEAD_CAPTURE, yesterday.leads["posting"])
        assert [each.outcome for each in delivery.attempts] == ["lost", "acknowledged"]
        assert delivery.state == "acknowledged"


async def test_dead_letters_are_listed_and_can_be_sent_again(tmp_path: Path) -> None:
    """Leads that N8N refused yesterday would be out of an operator's reach today."""
    async with left(tmp_path, ago=AN_HOUR) as (yesterday, redis), receiving() as receiver:
        lead_id = yesterday.leads["dead"]
        listed = await bolchaal(yesterday, "leads", "list", "--state", "dead", "--json")
        assert [json.loads(line)["subject"] for line in listed.splitlines()] == [lead_id]
        assert "no such city" in await bolchaal(yesterday, "leads", "show", lead_id)
        assert "lead.changed" in await bolchaal(yesterday, "events", "list")
        for stream, group in (
            (keys.LEADS, "leads"),
            (keys.CALLS, "leads"),
            (keys.PROFILES_WANTED, "config"),
        ):
            [letter] = await DeadLetters(redis, stream, group).list()
            assert "unreadable" in letter.why
        await bolchaal(yesterday, "leads", "replay", lead_id)
        with leads(yesterday, receiver, tmp_path):
            await receiver.wait(lambda me: yesterday.key("dead") in {p.key for p in me.posts}, 30)


async def test_config_goes_on_with_the_profiles_and_wishes(tmp_path: Path) -> None:
    """After an update with N8N away no agent would answer a call."""
    stand_in = N8nStandIn(profiles={name: {"name": name} for name in ("put_off", "pending")})
    stand_in.set_faults([{"kind": "down"}])
    async with left(tmp_path, ago=AN_HOUR) as (yesterday, redis):
        server = TestServer(stand_in.app())
        await server.start_server()
        environment = {
            "REDIS_URL": yesterday.valkey.url,
            "N8N_BASE_URL": str(server.make_url("")),
            "HEALTH_PORT": "0",
        }
        bus = Bus(redis, source="gateway")
        with Service("config", environment, tmp_path):
            async with ProfileReader(redis, bus.publish, timeout=20) as reader:
                clinic = (await reader.get("clinic")).profile
                assert (clinic.name, clinic.language) == ("Clinic", "ta-IN")
                stand_in.set_faults([])

                async def taken() -> bool:
                    stats = await read_group_stats(redis, keys.PROFILES_WANTED, "config")
                    return not (stats.lag or stats.pending or stats.scheduled)

                await until(taken, timeout=30, every=0.05)
                await reader.invalidate("pending")
                assert (await reader.get("pending")).profile.name == "pending"
        await server.close()


@asynccontextmanager
async def gateway(yesterday: Yesterday, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    port = str(free_port())
    environment = {
        "REDIS_URL": yesterday.valkey.url,
        "LIVEKIT_URL": f"ws://127.0.0.1:{free_port()}",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a-livekit-secret-of-thirty-two-characters",
        "WEB_PORT": port,
        "GATEWAY_API_KEY": "a-key-of-a-test",
        "N8N_INBOUND_TOKEN": "a-token-for-n8n",
        "TOKENS_PER_MINUTE": "3",
        "CONFIG_TIMEOUT": "0.5",
    }
    private = {"Authorization": "Bearer a-key-of-a-test"}
    with Service("gateway", environment, folder):
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=private, timeout=10
        ) as client:

            async def ready() -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return (await client.get("/healthz")).status_code == 200
                return False

            await until(ready, timeout=30, every=0.05)
            yield client


async def test_the_gateway_shows_calls_leads_and_profiles(tmp_path: Path) -> None:
    """The console would be empty, or answer 500, after an update."""
    async with left(tmp_path, ago=A_MOMENT) as (yesterday, _), gateway(yesterday, tmp_path) as http:
        profile = (await http.get("/api/config/clinic")).json()
        assert (profile["name"], len(profile["qualification_questions"])) == ("Clinic", 2)
        calls = {call["call_id"] for call in (await http.get("/api/v1/calls")).json()["calls"]}
        assert calls == {
            yesterday.calls[label]
            for label in (
                *("report_acknowledged", "report_parked", "report_put_off", "report_pending"),
                *("report_unread", "under_way", "requested"),
            )
        }
        answer = (await http.get(f"/api/v1/calls/{yesterday.calls['report_parked']}")).json()
        assert [entry["type"] for entry in answer["log"]] == [
            *("state", "turn", "turn", "tool", "notice", "lead", "ended"),
            *["delivery"] * 4,
        ]
        under_way = (await http.get(f"/api/v1/calls/{yesterday.calls['under_way']}")).json()
        assert under_way["call"]["state"] == "active"
        assert [e["revision"] for e in under_way["log"] if e["type"] == "lead"] == [1, 2]
        for state in ("acknowledged", "unconfirmed", "dead", "parked", "retrying", "scheduled"):
            answer = (await http.get("/api/v1/leads", params={"state": state})).json()
            assert yesterday.leads[state] in {each["lead_id"] for each in answer["leads"]}, state


async def test_the_gateway_remembers_what_it_has_counted(tmp_path: Path) -> None:
    """Somebody could open twice as many calls, and N8N's word would be taken twice."""
    async with left(tmp_path, ago=A_MOMENT) as (yesterday, _), gateway(yesterday, tmp_path) as http:
        answer = await http.post("/api/token", json={"agent_id": "clinic"})
        assert answer.status_code == 429, answer.text
        answer = await http.post(
            "/api/webhooks/n8n/profile-changed",
            json={"agent_id": "clinic"},
            headers={"Authorization": "Bearer a-token-for-n8n", "Idempotency-Key": "change-1"},
        )
        assert answer.json()["duplicate"] is True


async def test_replicas_of_yesterday_are_seen_and_then_forgotten(tmp_path: Path) -> None:
    """The page would show replicas for ever that are no more."""
    async with left(tmp_path / "seen", ago=0) as (_, redis):
        assert {report.service for report in await read_reports(redis)} == {"config", "leads"}
    async with left(tmp_path / "gone", ago=60) as (_, redis):
        assert await read_reports(redis) == []
        assert await redis.exists(keys.HEALTH) == 0


async def test_a_call_that_nobody_had_taken_can_be_taken(tmp_path: Path) -> None:
    """A caller who opened the page during the update would hear nobody."""
    async with left(tmp_path, ago=A_MOMENT) as (yesterday, redis):
        calls = Calls(redis, source="agent")
        call_id = yesterday.calls["requested"]
        call = await calls.get(call_id)
        assert (call.state, call.profile.name, call.language) == ("requested", "Clinic", "ta-IN")
        assert (await calls.take(call_id, "agent-of-today")).attempt == 1
        assert await calls.of_room("room-requested") == call_id
