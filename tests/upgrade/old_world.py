"""The old version at work, and the N8N that it meets: what record.py records with.

Imported with the old checkout first on the path: see record.py.
"""

# mypy: ignore-errors

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from aiohttp import web
from shared.call_log import CallLog, Latency, Notice, State, Tool, Turn
from shared.spool import Spool

from shared import keys
from shared.bus import Consumer
from shared.bus.retry import RetryPolicy
from shared.calls import Calls, NewCall
from shared.deliveries import LEAD_CAPTURE
from shared.events import CallEnded, LeadChanged, ProfileWanted
from shared.ids import uuid7
from shared.leads import LeadChange, LeadContext, Leads
from shared.profiles import Profile
from tests import waiting

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
    def __init__(self, redis, old: Path, folder: Path) -> None:
        self.redis = redis
        self.leads: dict[str, str] = {}
        self.calls: dict[str, str] = {}
        self._old = old
        self._folder = folder
        self._merge = Leads(redis, source="agent")
        self._calls = Calls(redis, source="agent")
        self._log = CallLog(redis)
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
                cwd=self._old,
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


async def until_dead(redis, stream: str, group: str) -> None:
    async def dead() -> bool:
        return bool(await redis.xlen(keys.dead_letters(stream, group)))

    await until(f"dead letter of {stream}", dead)
