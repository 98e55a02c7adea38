"""Ends what the supervisor started when the supervisor itself was killed.

A process in a session of its own that reads process ids from its standard input, `+PID` when one
starts and `-PID` when it has ended. The end of the input without a last line `done` means that the
supervisor died: the remaining processes are asked to stop, those that started last first, and their
groups are killed three seconds later.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_S = 3.0


def main() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    alive: list[int] = []
    for line in sys.stdin:
        word = line.strip()
        if word == "done":
            return
        pid = int(word[1:])
        if word.startswith("+"):
            alive.append(pid)
        elif pid in alive:
            alive.remove(pid)
    # Started last, stopped first: the gateway and the agents go before Redis.
    for pid in reversed(alive):
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline and any(_signal(pid, 0) for pid in alive):
        time.sleep(0.05)
    for pid in alive:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, signum: int) -> bool:
    """Signals the process (SIGKILL: its whole group); False when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if signum == signal.SIGKILL:
            os.killpg(pid, signum)
        else:
            os.kill(pid, signum)
        return True
    return False


if __name__ == "__main__":
    main()
