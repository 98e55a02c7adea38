"""One chaos run: the processes, what is done to them, and the end of it."""

import asyncio
import contextlib
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.sandbox.n8n import N8nStandIn
from shared.bus import read_group_stats
from shared.deliveries import LEAD_CAPTURE
from shared.redis import keys
from shared.redis.client import connect
from tests.chaos import journal
from tests.chaos.child import END_S, Child, Unending, stacks
from tests.chaos.judge import Verdict, judge
from tests.chaos.plan import FAULTS, PUBLISHERS, REPLICAS, Plan, script
from tests.valkey import Valkey

ANSWER_MS = 5.0
WORK_MS = 90.0  # with `slow` at most 1.5 s, which is under the grace of 2 s
SETTINGS = {
    "LEAD_ACK": "strict",
    "LEAD_ATTEMPT_GRACE": "2",
    "LEAD_TIMEOUT": "1",
    "LEAD_RETRY_LONGEST": "5",  # so that a lead that meets six faults in a row ends today
    "HEALTH_PORT": "0",
    "LOG_LEVEL": "ERROR",
}
Say = Callable[[str], None]


class EndedByItself(Exception):
    """A process ended that nobody killed. The text holds the end of its log."""


@dataclass
class Chaos:
    """The processes of a run in `folder`. `broken` names a fault to build into the replicas."""

    plan: Plan
    folder: Path
    say: Say
    broken: str | None = None
    kills: int = 0
    trouble: str | None = None  # why the run did not come to its end
    n8n: N8nStandIn = field(init=False)
    publishers: list[Child] = field(default_factory=list)
    replicas: list[Child] = field(default_factory=list)

    async def run(self, timeout: float) -> Verdict:
        self.n8n = N8nStandIn(delay_ms=ANSWER_MS, work_ms=WORK_MS, seed=self.plan.seed)
        self._faults(down=False)
        self.valkey = Valkey(self.folder / "valkey")
        self.valkey.start()
        self._redis = connect(self.valkey.url, retries=0, timeout=2.0)
        try:
            async with self._receiver() as url:
                await self._start(url)
                begun = time.monotonic()
                harm = asyncio.create_task(self._harm(begun))
                try:
                    async with asyncio.timeout(timeout):
                        await harm
                        await self._until_over()
                except TimeoutError:
                    where = await stacks(self.children)
                    self.trouble = f"not over after {timeout:.0f} s\n{where}"
                except (EndedByItself, Unending) as error:
                    self.trouble = str(error)
                harm.cancel()
                await asyncio.wait([harm], timeout=END_S)
                await self._rest()
                self.say(f"took {time.monotonic() - begun:.1f} s")
        finally:
            await asyncio.gather(*(each.end(signal.SIGKILL) for each in self.children))
            await self._redis.aclose()
            self.valkey.kill()
        return self.verdict()

    async def _rest(self) -> None:
        """Until no workflow is at work: what they record still counts."""
        try:
            async with asyncio.timeout(END_S):
                await self.n8n.idle()
        except TimeoutError:
            self.trouble = self.trouble or "workflows of N8N's stand-in do not end"

    @property
    def children(self) -> list[Child]:
        return [*self.publishers, *self.replicas]

    def verdict(self) -> Verdict:
        saved: dict[int, int] = {}
        for place in range(PUBLISHERS):
            saved |= journal.read(self._journal(place))
        records = self.n8n.records
        return judge(
            [script(self.plan.seed, number) for number in range(self.plan.leads)],
            saved,
            records.leads,
            records.received,
            kills=self.kills,
            faults=self.n8n._faults.injected,
        )

    # Processes

    @contextlib.asynccontextmanager
    async def _receiver(self) -> AsyncIterator[str]:
        runner = web.AppRunner(self.n8n.app(), shutdown_timeout=1.0, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _start(self, n8n_url: str) -> None:
        environment = {"REDIS_URL": self.valkey.url, "N8N_BASE_URL": n8n_url, **SETTINGS}
        fault = [self.broken] if self.broken else []
        replica = [sys.executable, "-m", "tests.chaos.replica", *fault]
        for place in range(REPLICAS):
            name = f"replica-{place}"
            log = self.folder / f"{name}.log"
            self.replicas.append(Child(name, lambda _: replica, environment, log))
        share = -(-self.plan.leads // PUBLISHERS)
        for place in range(PUBLISHERS):
            name = f"publisher-{place}"
            command = self._publisher(
                place, place * share, min(self.plan.leads, place * share + share)
            )
            self.publishers.append(Child(name, command, {}, self.folder / f"{name}.log"))
        for child in self.children:
            await child.start()

    def _publisher(self, place: int, first: int, last: int) -> Callable[[int], list[str]]:
        def command(attempt: int) -> list[str]:
            return [
                *(sys.executable, "-m", "tests.chaos.publisher"),
                *("--redis", self.valkey.url),
                *("--spool", str(self.folder / f"spool-{place}")),
                *("--journal", str(self._journal(place))),
                *("--seed", str(self.plan.seed)),
                *("--first", str(first), "--last", str(last)),
                *("--rate", str(self.plan.rate / PUBLISHERS)),
                *("--attempt", str(attempt)),
            ]

        return command

    def _journal(self, place: int) -> Path:
        return self.folder / f"journal-{place}"

    # Harm

    async def _harm(self, begun: float) -> None:
        dice = random.Random(self.plan.seed + 1)
        moments: list[tuple[float, str]] = [
            *self.plan.kills,
            (self.plan.down_at, "n8n down"),
            (self.plan.down_at + self.plan.down_for, "n8n up"),
        ]
        for at, what in sorted(moments):
            await asyncio.sleep(max(0.0, begun + at - time.monotonic()))  # the plan says when
            if what.startswith("n8n"):
                self._faults(down=what == "n8n down")
                self.say(f"{time.monotonic() - begun:6.1f} s  {what}")
            else:
                self.say(
                    f"{time.monotonic() - begun:6.1f} s  kill -9 {await self._kill(what, dice)}"
                )

    async def _kill(self, what: str, dice: random.Random) -> str:
        """Kills one of its kind, and starts it again after a moment."""
        children = self.publishers if what == "publisher" else self.replicas
        alive = [child for child in children if child.alive]
        if what == "redis" or not alive:  # publishers are through: Redis then
            self.valkey.kill()
            self.kills += 1
            await asyncio.sleep(dice.uniform(0.0, 1.0))  # how long it is away
            await asyncio.to_thread(self.valkey.start)
            return "redis"
        victim = dice.choice(alive)
        await victim.end(signal.SIGKILL)
        self.kills += 1
        await asyncio.sleep(dice.uniform(0.0, 0.5))  # how long it is away
        await victim.start()
        return victim.name

    def _faults(self, *, down: bool) -> None:
        usual = [{**fault, "seed": self.plan.seed + n} for n, fault in enumerate(FAULTS)]
        self.n8n.set_faults([{"kind": "down"}] if down else usual)

    # The end

    async def _until_over(self) -> None:
        """Publishers are through, the stream is read, nothing is due, N8N is at rest."""
        for publisher in self.publishers:
            assert publisher.process is not None
            if await publisher.process.wait() != 0:
                raise EndedByItself(f"{publisher.name} failed:\n{publisher.last_words()}")
        self.say("all leads are said")
        while not await self._quiet():
            self._check_replicas()
            await asyncio.sleep(0.2)  # the run as a whole has its time-out
        self._check_replicas()

    def _check_replicas(self) -> None:
        """Only we kill: a replica that ended by itself is a fault of its own."""
        for replica in self.replicas:
            if not replica.alive:
                raise EndedByItself(f"{replica.name} ended:\n{replica.last_words()}")

    async def _quiet(self) -> bool:
        try:
            return await _waiting(self._redis) == 0
        except (RedisError, OSError):
            return False


async def _waiting(redis: Redis) -> int:
    gauges = await read_group_stats(redis, keys.LEADS, "leads")
    due = await redis.zcard(keys.deliveries_due(LEAD_CAPTURE))
    return gauges.lag + gauges.pending + gauges.scheduled + int(due)
