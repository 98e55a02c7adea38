"""python -m tests.bench.backlog: the leads service in front of a million old entries.

Start-up time and memory must not depend on how much lies on the stream: once with none, once with
entries that were handled long ago, once with entries that nobody has read and nothing follows from.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis

from shared.bus import read_group_stats
from shared.redis import keys
from shared.redis.client import connect
from tests.bench.leads import process
from tests.leads.world import Caller, receiving
from tests.valkey import Valkey
from tests.waiting import until

YEAR_MS = 365 * 86_400_000
ALL_READ_S = 3_600.0  # a million entries take a while
FILL = """
for i = 1, tonumber(ARGV[1]) do
  redis.call('XADD', KEYS[1], ARGV[2] + i .. '-0', 'type', 'lead.changed', 'v', 1, 'id', 'old' .. i,
    'src', 'agent', 'traceparent', '', 'data', '{"lead_id":"old","call_id":"old","revision":1,'
    .. '"postable":false,"at":"2025-01-01T00:00:00Z"}')
end
"""


async def fill(redis: Redis, entries: int, *, handled: bool) -> None:
    """Old entries on the stream of leads, read and settled by the group or not."""
    begin = int(time.time() * 1000) - YEAR_MS
    for offset in range(0, entries, 50_000):
        count = min(50_000, entries - offset)
        await cast("Any", redis.eval(FILL, 1, keys.LEADS, str(count), str(begin + offset)))
    if handled:
        await redis.xgroup_create(keys.LEADS, "leads", id="$")


async def measure(folder: Path, entries: int, *, handled: bool) -> str:
    valkey = Valkey(folder, "--appendonly", "no")  # filling it is not what is measured
    valkey.start()
    redis = connect(valkey.url, timeout=60.0)
    try:
        await fill(redis, entries, handled=handled)
        caller = Caller(redis)
        if handled or not entries:
            await caller.gives_all()
        async with receiving() as n8n:
            begun = time.perf_counter()
            environment = {
                "REDIS_URL": valkey.url,
                "N8N_BASE_URL": n8n.url,
                "HEALTH_PORT": "0",
                "LOG_LEVEL": "ERROR",
            }
            async with process("services.leads", **environment) as service:
                if handled or not entries:
                    await caller.reaches("acknowledged", seconds=60)
                    took = f"first lead delivered {time.perf_counter() - begun:.2f} s after start"
                else:

                    async def all_read() -> bool:
                        return not (await read_group_stats(redis, keys.LEADS, "leads")).lag

                    await until(all_read, timeout=ALL_READ_S, every=0.5)
                    seconds = time.perf_counter() - begun
                    took = f"all read after {seconds:.1f} s ({entries / seconds:.0f}/s)"
                return f"{took}, memory at most {_peak_mb(service.pid)} MB"
    finally:
        await redis.aclose()
        valkey.stop()


def _peak_mb(pid: int) -> int:
    """The most that the process has held, in MB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else -1


async def main(entries: int) -> None:
    cases = [("no entries", 0, False), (f"{entries} handled", entries, True)]
    cases.append((f"{entries} unread", entries, False))
    for name, count, handled in cases:
        with tempfile.TemporaryDirectory(prefix="bolchaal-bench-") as folder:
            sys.stdout.write(f"{name}: {await measure(Path(folder), count, handled=handled)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.backlog", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    asyncio.run(main(parser.parse_args().entries))
