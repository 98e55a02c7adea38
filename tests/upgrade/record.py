"""Records what an older version leaves behind: a Valkey's append-only file and a spool.

    git worktree add /tmp/old b6cd28c
    .venv/bin/python tests/upgrade/record.py /tmp/old

makes fixtures/b6cd28c.tar.gz anew. Everything named `services`, `shared` and `tests` is imported
from the old checkout, and its services run from there: nothing in the fixture is written by the
code that is tested with it. The people in it are made up.

The archive holds `valkey/appendonlydir/`, `spool/spool.sqlite` and `index.json`:
  recorded_ms  the moment in which the recording ended
  leads, calls label -> id; a lead's label says in which state its delivery was left
"""

# mypy: ignore-errors
# ruff: noqa: E402 - the old checkout comes first on the path, then its modules can be imported

import asyncio
import contextlib
import hashlib
import io
import json
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

OLD = Path(sys.argv[1]).resolve()
sys.path[0] = str(OLD)

from aiohttp import web
from services.gateway.limits import Limits
from services.gateway.once import once
from shared.call_log import CallLog, Latency, Notice, State, Tool, Turn
from shared.spool import Spool

from shared import keys
from shared.bus import Bus, Consumer
from shared.bus.retry import RetryPolicy
from shared.calls import Calls, NewCall
from shared.deliveries import CALL_ENDED, LEAD_CAPTURE, Deliveries
from shared.events import CallEnded, LeadChanged, ProfileWanted
from shared.ids import uuid7
from shared.leads import LeadChange, LeadContext, Leads
from shared.profiles import Profile, ProfileReader
from shared.redis import connect
from tests import waiting
from tests.valkey import Valkey

COMMIT = "b6cd28c"
TARGET = Path(__file__).parent / "fixtures" / f"{COMMIT}.tar.gz"
CLINIC = {
    "id": "clinic",
    "name": "Clinic",
    "language": "ta-IN",
    "greeting": "வணக்கம்",
    "qualification_questions": ["எந்த மருத்துவர்?", {"key": "day", "question": "எந்த நாள்?"}],
}
LATER = {"Retry-After": "600"}  # beyond every grace, so that it tells "due" from "not yet"
# What N8N answers, by the name of the lead; a report goes by the caller's name in its lead.
ANSWERS = {
    "unconfirmed": (200, "thank you", {}),
    "dead": (422, '{"status": "rejected", "errors": ["no such city"]}', {}),
    "retrying": (503, "busy", LATER),
    "parked": (403, "Authorization data is wrong!", {}),
    "report_parked": (403, "Authorization data is wrong!", {}),
}
ACCEPTED = (200, '{"status": "accepted"}', {})


class OldN8n:
    """Answers the old services as the recording needs it."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()
        self.url = ""

    @contextlib.asynccontextmanager
    async def serving(self):
        app = web.Application()
        app.router.add_get("/webhook/agent-config", self._profile)
        app.router.add_post("/webhook/{path}", self._post)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        self.hold.set()
        await runner.cleanup()

    async def _profile(self, request):
        if request.query["agent_id"] == "clinic":
            return web.json_response(CLINIC, headers={"ETag": '"clinic-1"'})
        return web.json_response({"error": "unknown_agent"}, status=404)

    async def _post(self, request):
        data = (await request.json())["data"]
        lead = data if request.match_info["path"] == "lead-capture" else data["lead"]
        label = lead["name"]
        if label == "posting":
            await self.hold.wait()
        if label == "superseded" and data["revision"] == 1:
            status, text, headers = ANSWERS["retrying"]
        elif label.startswith("report") and lead is data:
            status, text, headers = ACCEPTED
        else:
            status, text, headers = ANSWERS.get(label, ACCEPTED)
        return web.Response(status=status, text=text, headers=headers)


class Recording:
    def __init__(self, redis, folder: Path) -> None:
        self.redis = redis
        self.leads: dict[str, str] = {}
        self.calls: dict[str, str] = {}
        self._folder = folder
        self._merge = Leads(redis, source="agent")
        self._calls = Calls(redis, source="agent")
        self._log = CallLog(redis)
        self._deliveries = Deliveries(redis)
        self._sequence = 0

    # What is said

    async def says(self, label: str, **values: str) -> int:
        changes = self._changes(values)
        return (await self._merge.apply(self._context(label), changes)).revision

    async def says_all(self, label: str) -> int:
        """A lead that is complete, so that it is sent. Its name is its label."""
        return await self.says(label, name=label, phone="+919800000001")

    async def opens(self, label: str) -> None:
        context = self._context(label)
        await self._calls.open(
            NewCall(
                id=context.call_id,
                lead_id=context.lead_id,
                room=context.room,
                agent_id="clinic",
                language="ta-IN",
                voice="kavitha",
                user_name="Made Up",
                profile=Profile.model_validate(CLINIC),
                profile_version="0123456789ab",
            )
        )

    async def talks(self, label: str) -> None:
        """An agent takes the call; both say something, a tool runs."""
        call_id = self.calls[label]
        await self._calls.joined(call_id)
        attempt = await self._calls.take(call_id, "agent-of-yesterday")
        latency = Latency(end_of_turn_ms=400, llm_ttft_ms=300, e2e_ms=900)
        for entry in (
            State(state="listening"),
            Turn(who="agent", text="வணக்கம்", language="ta-IN", latency=latency),
            Turn(who="caller", text="பல் வலி", language="ta-IN"),
            Tool(name="save_lead", fields=("name",)),
            Notice(level="warning", code="llm_slow", text="The language model is slow."),
        ):
            await self._log.append(call_id, entry, attempt=attempt)

    async def ends(self, label: str) -> None:
        await self._calls.end(await self._calls.get(self.calls[label]), "caller_hung_up")

    async def spools(self, spool: Spool, label: str, **values: str) -> None:
        await spool.add(self._context(label), self._changes(values))

    def _changes(self, values: dict[str, str]) -> list[LeadChange]:
        self._sequence += 1
        return [
            LeadChange(field=field, value=value, attempt=1, sequence=self._sequence)
            for field, value in values.items()
        ]

    def _context(self, label: str) -> LeadContext:
        return LeadContext(
            lead_id=self.leads.setdefault(label, uuid7()),
            call_id=self.calls.setdefault(label, uuid7()),
            room=f"room-{label}",
            channel="web",
            caller=None,
            account="default",
            agent_id="clinic",
            profile_version="0123456789ab",
            language="ta-IN",
            required=("name", "phone"),
        )

    # What the old services do

    @contextlib.contextmanager
    def service(self, name: str, **environment: str):
        """`python -m services.NAME` of the old version, killed at the end."""
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{name}"],
                cwd=OLD,
                env={"HEALTH_PORT": "0", **environment},
                stdout=log,
                stderr=log,
            )
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    async def reaches(self, label: str, state: str, destination: str = LEAD_CAPTURE) -> None:
        subject = (self.leads if destination == LEAD_CAPTURE else self.calls)[label]

        async def reached() -> bool:
            fields = await self.redis.hgetall(keys.delivery(destination, subject))
            return fields.get(f"{fields.get('wanted')}:state") == state

        await until(f"{label} {state}", reached)

    async def gives_up(self, stream: str) -> None:
        """An entry that nobody can read becomes a dead letter of each group."""
        kind = {keys.LEADS: LeadChanged, keys.CALLS: CallEnded}.get(stream, ProfileWanted)
        await self.redis.xadd(stream, {"type": kind.type, "v": "1", "id": uuid7(), "data": "{"})

    async def puts_off(self, stream: str, group: str, event_class) -> None:
        """What is unread is tried, fails, and waits for its next try in 5 to 10 minutes."""

        async def fail(*_: object) -> None:
            raise ConnectionError("the recording wants a retry")

        policy = RetryPolicy(first=600.0, longest=600.0)
        consumer = Consumer(self.redis, stream, group, {event_class: fail}, policy=policy)
        task = asyncio.create_task(consumer.run())

        async def scheduled() -> bool:
            return bool(await self.redis.zcard(keys.retry_due(stream, group)))

        await until(f"retry on {stream}", scheduled)
        await consumer.stop()
        await task

    async def dies_with(self, stream: str, group: str) -> None:
        """A consumer that has read everything, and is no more."""
        assert await self.redis.xreadgroup(group, f"{group}-killed-1-abc", {stream: ">"})


async def until(what: str, check) -> None:
    await waiting.until(check, timeout=20)
    print(what)


async def record(redis, url: str, folder: Path) -> dict[str, object]:
    recording = Recording(redis, folder)
    async with OldN8n().serving() as n8n:
        environment = {"REDIS_URL": url, "N8N_BASE_URL": n8n.url}
        with recording.service("config", **environment):
            await ask_for_profiles(recording)
        with recording.service(
            "leads",
            **environment,
            N8N_WEBHOOK_CALL_ENDED="/webhook/call-ended",
            LEAD_TIMEOUT="30",
        ):
            await deliver(recording)
    await leave_on_the_bus(recording)
    await talk(recording)
    await leave_small_things(redis)
    spool = Spool(folder / "spool")
    await recording.spools(spool, "under_way", phone="+919800000002")
    await recording.spools(spool, "only_spooled", name="only_spooled")
    await recording.spools(spool, "only_spooled", phone="+919800000003")
    spool.close()
    return {
        "recorded_ms": time.time_ns() // 1_000_000,
        "leads": recording.leads,
        "calls": recording.calls,
    }


async def ask_for_profiles(recording: Recording) -> None:
    redis = recording.redis
    async with ProfileReader(redis, Bus(redis, "gateway").publish, timeout=20) as reader:
        assert (await reader.get("clinic")).profile.name == "Clinic"
        with contextlib.suppress(Exception):
            await reader.get("nobody")
    await recording.gives_up(keys.PROFILES_WANTED)
    await until_dead(redis, keys.PROFILES_WANTED, "config")


async def until_dead(redis, stream: str, group: str) -> None:
    async def dead() -> bool:
        return bool(await redis.xlen(keys.dead_letters(stream, group)))

    await until(f"dead letter of {stream}", dead)


async def deliver(recording: Recording) -> None:
    """Deliveries in every state. Unconfirmed comes first: later N8N has acknowledged once."""
    for label in ("unconfirmed", "acknowledged", "dead", "retrying"):
        await recording.says_all(label)
        await recording.reaches(label, label)
    await recording.says_all("superseded")
    await recording.reaches("superseded", "retrying")
    await recording.says("superseded", phone="+919800000009")
    await recording.reaches("superseded", "acknowledged")
    for label in ("report_acknowledged", "report_parked"):
        await recording.opens(label)
        await recording.talks(label)
        await recording.says(label, name=label)  # no number: sent as it stands at the call's end
        await recording.ends(label)
        await recording.reaches(label, "acknowledged")
        await recording.reaches(label, label.partition("_")[2], CALL_ENDED)
    for stream in (keys.LEADS, keys.CALLS):
        await recording.gives_up(stream)
        await until_dead(recording.redis, stream, "leads")
    await recording.says_all("posting")
    await recording.reaches("posting", "posting")
    await recording.says_all("parked")
    await recording.reaches("parked", "parked")
    await recording.says_all("scheduled")  # the circuit breaker is open: nothing begins any more
    await recording.reaches("scheduled", "scheduled")


async def leave_on_the_bus(recording: Recording) -> None:
    """Nobody delivers any more: events put off, in dead hands, and unread."""
    redis = recording.redis
    await recording.says_all("put_off")
    await recording.puts_off(keys.LEADS, "leads", LeadChanged)
    await recording.opens("report_put_off")
    await recording.ends("report_put_off")
    await recording.puts_off(keys.CALLS, "leads", CallEnded)
    await redis.xadd(keys.PROFILES_WANTED, _wish("put_off"))
    await recording.puts_off(keys.PROFILES_WANTED, "config", ProfileWanted)
    await recording.says_all("pending")
    await recording.dies_with(keys.LEADS, "leads")
    await recording.opens("report_pending")
    await recording.ends("report_pending")
    await recording.dies_with(keys.CALLS, "leads")
    await redis.xadd(keys.PROFILES_WANTED, _wish("pending"))
    await recording.dies_with(keys.PROFILES_WANTED, "config")
    await recording.says_all("unread")
    await recording.opens("report_unread")
    await recording.ends("report_unread")
    await redis.xadd(keys.PROFILES_WANTED, _wish("unread"))


def _wish(agent_id: str) -> dict[str, str]:
    """A wish that does not expire."""
    from shared.events.wire import to_fields

    return to_fields(ProfileWanted(agent_id=agent_id), "gateway")


async def talk(recording: Recording) -> None:
    """One call that an agent held when it died, one that nobody has taken yet."""
    await recording.opens("under_way")
    await recording.talks("under_way")
    await recording.says("under_way", name="under_way")
    await recording.says("under_way", q1="Dr Rao")
    await recording.opens("requested")


async def leave_small_things(redis) -> None:
    """What the gateway remembers for a while, and a refused key that an agent has met."""
    digest = hashlib.sha256(b"change-1").hexdigest()
    async with once(redis, keys.seen("n8n", digest), seconds=86_400) as first:
        assert first
    for _ in range(3):
        await Limits(redis, kind="tokens", per_minute=10).take("127.0.0.1")
    fault = {"reason": "Sarvam refuses the key", "at_ms": time.time_ns() // 1_000_000}
    await redis.hset(keys.AGENT_FAULTS, "speech", json.dumps(fault))


def pack(folder: Path, index: dict[str, object]) -> None:
    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return None if member.name.endswith((".log", ".lock")) else member

    text = json.dumps(index, indent=1).encode()
    with tarfile.open(TARGET, "w:gz") as archive:
        archive.add(folder / "valkey" / "appendonlydir", "valkey/appendonlydir", filter=plain)
        archive.add(folder / "spool", "spool", filter=plain)
        member = tarfile.TarInfo("index.json")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    print(TARGET, TARGET.stat().st_size, "bytes")


async def main(folder: Path) -> dict[str, object]:
    valkey = Valkey(folder / "valkey")
    valkey.start()
    redis = connect(valkey.url)
    try:
        return await record(redis, valkey.url, folder)
    finally:
        await redis.aclose()
        valkey.kill()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        pack(Path(name), asyncio.run(main(Path(name))))
