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
import sys
import tarfile
import tempfile
import time
from pathlib import Path

OLD = Path(sys.argv[1]).resolve()
sys.path.insert(0, str(OLD))

from old_world import OldN8n, Recording, until_dead
from services.gateway.limits import Limits
from services.gateway.once import once
from shared.spool import Spool

from shared import keys
from shared.bus import Bus
from shared.deliveries import CALL_ENDED
from shared.events import CallEnded, LeadChanged, ProfileWanted
from shared.events.wire import to_fields
from shared.profiles import ProfileReader
from shared.redis import connect
from tests.valkey import Valkey

COMMIT = "b6cd28c"
TARGET = Path(__file__).parent / "fixtures" / f"{COMMIT}.tar.gz"


async def record(redis, url: str, folder: Path) -> dict[str, object]:
    recording = Recording(redis, OLD, folder)
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
