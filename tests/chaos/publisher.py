"""A process that says leads, as an agent does, and notes in a journal what it was told is saved.

It is killed and started again: it goes on where the journal ends, on the same spool.
"""

import argparse
import asyncio
import os
import random
from pathlib import Path

from shared.calls import Calls, CallSettings
from shared.leads import Leads
from shared.leads.spool import Spool
from shared.leads.store_and_forward import StoreAndForward
from shared.profiles.model import Profile
from shared.redis.client import connect
from shared.redis.outage import retry_until_available
from shared.runtime.background import Background
from tests.chaos.journal import Journal
from tests.chaos.plan import Script, script
from tests.chaos.stacks import tell_on_signal

AT_ONCE = 8  # calls that one agent process has at a time


class Publisher:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self._seed = arguments.seed
        self._rate = arguments.rate
        self._journal = Journal(arguments.journal)
        self._redis = connect(arguments.redis, retries=0, timeout=1.0)
        self._spool = Spool(arguments.spool)
        self._saver = StoreAndForward(Leads(self._redis, source="agent"), self._spool, patience=0.5)
        self._calls = Calls(self._redis, source="agent")
        self._attempt = arguments.attempt

    async def run(self, first: int, last: int) -> None:
        """Says the leads from `first` to `last` - 1 that are not in the journal."""
        async with Background() as background:
            background.every("spool", 0.1, self._saver.drain_once)
            await self._say(first, last)
        await self._redis.aclose()

    async def _say(self, first: int, last: int) -> None:
        said = self._journal.steps()
        slots = asyncio.Semaphore(AT_ONCE)
        dice = random.Random(self._attempt)
        calls: set[asyncio.Task[None]] = set()
        for number in range(first, last):
            one = script(self._seed, number)
            if said.get(number, 0) > len(one.steps):
                continue
            await asyncio.sleep(dice.expovariate(self._rate))  # callers come at this rate
            await slots.acquire()
            task = asyncio.create_task(self._call(one, said.get(number, 0)))
            calls.add(task)
            task.add_done_callback(calls.discard)
            task.add_done_callback(lambda _: slots.release())
        if calls:
            await asyncio.gather(*calls)
        while await self._spool.count():  # noqa: ASYNC110 - SQLite has no event
            await asyncio.sleep(0.05)  # however long Redis is away

    async def _call(self, one: Script, begin: int) -> None:
        """One call. The journal has a line a step, and one for the end of the call."""
        if one.hangs_up:
            await retry_until_available("opening a call", lambda: self._open(one))
        for step in range(begin, len(one.steps)):
            await self._saver.apply(one.context, one.changes(step, self._attempt))
            self._journal.write(one.number, step + 1)
        if one.hangs_up:
            await retry_until_available("ending a call", lambda: self._hang_up(one))
        self._journal.write(one.number, len(one.steps) + 1)

    async def _open(self, one: Script) -> None:
        if await self._redis.exists(f"bolchaal:call:{one.context.call_id}"):
            return
        context = one.context
        await self._calls.open(
            CallSettings(
                id=context.call_id,
                lead_id=context.lead_id,
                room=context.room,
                agent_id=context.agent_id,
                language=context.language,
                voice="priya",
                profile=Profile(),
                profile_version=context.profile_version,
            )
        )

    async def _hang_up(self, one: Script) -> None:
        call = await self._calls.get(one.context.call_id)
        await self._calls.end(call, "caller_hung_up")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--redis", required=True)
    parser.add_argument("--spool", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--last", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--attempt", type=int, required=True)
    arguments = parser.parse_args()
    tell_on_signal()
    asyncio.run(Publisher(arguments).run(arguments.first, arguments.last))
    os._exit(0)  # threads of SQLite's have nothing left to do


if __name__ == "__main__":
    main()
