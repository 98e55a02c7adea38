"""python -m tests.bench.leads: how quickly leads reach N8N, beside a bare loop in the same run.

The bare loop reads the stream, posts with httpx and acknowledges: no record of attempts, no
signature, no back-off, no claim that outlives it. The receiver is N8N's stand-in without latency,
in a process of its own. The service's throughput must be at least 0.7 of the loop's; exit code 1
otherwise. After that: the delay from `save_lead` to N8N's acknowledgement at a leisurely pace.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from services.leads.destinations.base import encode
from shared.ids import uuid7
from shared.leads import LeadChange, LeadContext, Leads
from shared.redis import keys
from shared.redis.client import connect
from shared.webhook_payloads import LeadCaptured
from tests.valkey import Valkey, free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]
LEAST = 0.7
RUN_S = 600.0
GROUP = "bare"


class Bench:
    def __init__(self, redis: Redis, redis_url: str, n8n_url: str) -> None:
        self._redis = redis
        self._redis_url = redis_url
        self._n8n = n8n_url
        self._leads = Leads(redis, source="agent")

    async def capture(self, count: int) -> list[str]:
        """Complete leads on the stream, as the agent makes them."""
        ids = []
        for _ in range(count):
            context = _context()
            await self._leads.apply(context, _changes())
            ids.append(context.lead_id)
        return ids

    async def bare(self, count: int, at_once: int) -> float:
        """Leads a second of the bare loop, `at_once` posts at a time."""
        await self._redis.flushall()
        await self._forget()
        await self.capture(count)
        await self._redis.xgroup_create(keys.LEADS, GROUP, id="0")
        done = 0
        begun = time.perf_counter()
        limits = httpx.Limits(max_connections=at_once)
        async with httpx.AsyncClient(limits=limits) as client:
            while done < count:
                answer: Any = await self._redis.xreadgroup(
                    GROUP, "bare", {keys.LEADS: ">"}, count=at_once
                )
                entries = answer[0][1]
                await asyncio.gather(*(self._one(client, *entry) for entry in entries))
                done += len(entries)
        return count / (time.perf_counter() - begun)

    async def _one(self, client: httpx.AsyncClient, entry_id: str, fields: dict[str, str]) -> None:
        lead_id = fields["data"].partition('"lead_id":"')[2][:36]
        lead = await self._leads.get(lead_id)
        body = encode(LeadCaptured(timestamp="", data=lead.webhook_data()))
        response = await client.post(
            f"{self._n8n}/webhook/lead-capture",
            content=body,
            headers={"content-type": "application/json"},
        )
        if response.json().get("status") != "accepted":
            raise RuntimeError(f"the receiver answers {response.status_code}")
        await self._redis.xack(keys.LEADS, GROUP, entry_id)

    async def service(self, count: int) -> float:
        """Leads a second of one replica, from its first post to its last acknowledgement."""
        await self._redis.flushall()
        await self._forget()
        await self.capture(count)
        async with self.replica():
            rows = await self._recorded(count)
        begun: float = min(row["begun"] for row in rows)
        ended: float = max(row["finished"] for row in rows)
        return count / (ended - begun)

    async def delays(self, count: int, rate: float) -> list[float]:
        """Seconds from `save_lead` to the acknowledgement, at `rate` leads a second."""
        await self._redis.flushall()
        await self._forget()
        said: dict[str, float] = {}
        async with self.replica():
            warm = await self.capture(5)
            await self._recorded(5)
            for _ in range(count):
                context = _context()
                said[context.lead_id] = time.time()
                await self._leads.apply(context, _changes())
                await asyncio.sleep(1 / rate)  # leads come at this rate: it is what is measured
            rows = await self._recorded(count + len(warm))
        return sorted(
            row["acknowledged"] - said[row["subject"]] for row in rows if row["subject"] in said
        )

    @contextlib.asynccontextmanager
    async def replica(self) -> AsyncIterator[None]:
        environment = {
            "REDIS_URL": self._redis_url,
            "N8N_BASE_URL": self._n8n,
            "HEALTH_PORT": "0",
            "LOG_LEVEL": "WARNING",
        }
        async with process("services.leads", **environment):
            yield

    async def _recorded(self, count: int) -> list[dict[str, Any]]:
        async with httpx.AsyncClient() as client:

            async def all_rows() -> list[dict[str, Any]]:
                answer = (await client.get(f"{self._n8n}/sandbox/leads")).json()
                rows = [row for row in answer["received"] if row["acknowledged"]]
                return rows if len(rows) >= count else []

            # Asked seldom: the receiver should be at its own work.
            return await until(all_rows, timeout=RUN_S, every=0.5)

    async def _forget(self) -> None:
        async with httpx.AsyncClient() as client:
            await client.delete(f"{self._n8n}/sandbox")


async def main(count: int, rounds: int) -> int:
    with tempfile.TemporaryDirectory(prefix="bolchaal-bench-") as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        redis = connect(valkey.url)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        try:
            arguments = ("--port", str(port), "--delay-ms", "0")
            async with process("services.sandbox.n8n", *arguments):
                await _answers(url)
                bench = Bench(redis, valkey.url, url)
                ratio = await _throughput(bench, count, rounds)
                await _delay(bench)
        finally:
            await redis.aclose()
            valkey.stop()
    return 0 if ratio >= LEAST else 1


async def _throughput(bench: Bench, count: int, rounds: int) -> float:
    alone, four, ours = [], [], []
    for number in range(1, rounds + 1):
        alone.append(await bench.bare(count, 1))
        four.append(await bench.bare(count, 4))
        ours.append(await bench.service(count))
        _say(
            f"round {number}: bare loop {alone[-1]:.0f}/s, four at a time {four[-1]:.0f}/s,"
            f" service {ours[-1]:.0f}/s"
        )
    loop, loop4, service = map(statistics.median, (alone, four, ours))
    _say(f"service {service:.0f}/s: {service / loop:.2f} of the bare loop ({loop:.0f}/s),")
    _say(f"{service / loop4:.2f} of one that has four in flight ({loop4:.0f}/s)")
    return service / loop


async def _delay(bench: Bench) -> None:
    delays = await bench.delays(300, 20.0)
    p50 = delays[len(delays) // 2]
    p99 = delays[int(len(delays) * 0.99)]
    _say(f"save_lead to acknowledgement at 20/s: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")


@contextlib.asynccontextmanager
async def process(
    module: str, *arguments: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program of the project, until the context is left."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        child.terminate()
        await child.wait()


async def _answers(url: str) -> None:
    async with httpx.AsyncClient() as client:

        async def answers() -> bool:
            with contextlib.suppress(httpx.TransportError):
                await client.get(f"{url}/healthz")
                return True
            return False

        await until(answers, timeout=20, every=0.05)


def _context() -> LeadContext:
    return LeadContext(
        lead_id=uuid7(),
        call_id=uuid7(),
        room="room",
        channel="web",
        caller=None,
        account="default",
        agent_id="default",
        profile_version="bench",
        language="hi-IN",
        required=("name", "phone"),
    )


def _changes() -> list[LeadChange]:
    said = {"name": "Asha", "phone": "+919876543210", "budget": "पचास लाख", "location": "Pune"}
    return [
        LeadChange(field=field, value=value, attempt=1, sequence=number)
        for number, (field, value) in enumerate(said.items(), start=1)
    ]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.leads", description=__doc__)
    parser.add_argument("--leads", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.leads, given.rounds)))
