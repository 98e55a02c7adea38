"""python -m tests.chaos --leads 2000 --seed 1: see ARCHITECTURE.md, Life of a lead.

The last line is the verdict; exit code 0 only when nothing was lost, doubled or out of order.
"""

import argparse
import asyncio
import contextlib
import faulthandler
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.plan import plan
from tests.chaos.replica import BROKEN
from tests.chaos.run import Chaos


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--leads", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--down", type=float, default=20.0, help="seconds that N8N is away")
    parser.add_argument("--broken", choices=sorted(BROKEN), help="build a fault into the replicas")
    parser.add_argument("--keep", type=Path, help="a folder for logs and data, which stay")
    arguments = parser.parse_args()
    if arguments.leads < 1:
        parser.error("LEADS: found less than 1, expected 1 or more")
    # A client that hung up is what the stand-in is for: aiohttp need not tell of each.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    todo = plan(arguments.leads, arguments.seed, down_for=arguments.down)
    with tempfile.TemporaryDirectory(prefix="bolchaal-chaos-") as folder:
        chaos = Chaos(todo, arguments.keep or Path(folder), _say, broken=arguments.broken)
        timeout = 240.0 + arguments.leads / 20
        with at_the_latest(timeout + 60.0, chaos):
            verdict = asyncio.run(chaos.run(timeout))
    if chaos.trouble:
        _say(chaos.trouble)
    _say(verdict.line())
    return 0 if verdict.good and not chaos.trouble else 1


@contextlib.contextmanager
def at_the_latest(seconds: float, chaos: Chaos) -> Iterator[None]:
    """Ends a run that hangs itself: red, with the stacks of all threads, and with no child left."""

    def end() -> None:
        faulthandler.dump_traceback(all_threads=True)
        for child in chaos.children:
            if child.process is not None and child.alive:
                child.process.kill()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
