"""Writing to the terminal that `make run` was started in."""

import asyncio
import contextlib
import os
import sys


def show(*lines: str) -> None:
    """Prints the lines. A terminal that was closed takes nothing more, and that is no failure:
    what was started still has to be stopped.
    """
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


async def wait_until_closed(terminal: int = 1, every: float = 0.5) -> None:
    """Returns when the terminal (a file descriptor) was closed; never where there was none.

    SIGHUP alone does not tell it: the kernel sends it to the session's leader, and when that is
    make, make waits for us. A terminal that has gone is a terminal no more: asked every `every` s.
    """
    if not os.isatty(terminal):
        await asyncio.Event().wait()
    while os.isatty(terminal):  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(every)
