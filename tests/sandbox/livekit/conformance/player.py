"""A participant in a process of its own, which can be killed: `python -m ...player`.

Reads one line from stdin, `{"url", "token", "role"}`, joins and publishes a tone. The role "agent"
does besides what an agent's session does first: states as attributes, one greeting as text.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

from tests.sandbox.livekit.conformance.client import Client
from tests.sandbox.livekit.conformance.trace import Trace

GREETING = "Hello from the agent, how can I help you today?"
_SPEAKS_S = 2.8


class Process:
    """Started early, because Python and the client take a second; `play` lets it join at once."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        await self._process.stdout.readline()

    async def play(self, url: str, token: str, role: str = "") -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        command = json.dumps({"url": url, "token": token, "role": role})
        self._process.stdin.write(command.encode() + b"\n")
        await self._process.stdin.drain()

    async def kill(self) -> None:
        """With SIGKILL: the system closes its sockets, nothing is said."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()


async def act_as_agent(client: Client, *, listens_again: bool = True) -> None:
    """Listening, speaking, a greeting, listening: what an agent's session does at its start."""
    first, publication = await asyncio.gather(
        client.me.set_attributes({"lk.agent.state": "listening"}), client.publish("roomio_audio")
    )
    assert first is None
    await publication.wait_for_subscription()
    await asyncio.sleep(0.08)  # as long as in the recording
    await client.me.set_attributes({"lk.agent.state": "speaking"})
    if not listens_again:
        return
    await asyncio.sleep(_SPEAKS_S)  # the same
    attributes = {
        "lk.segment_id": "SG_1",
        "lk.transcribed_track_id": publication.sid,
        "lk.transcription_final": "true",
    }
    await asyncio.gather(
        client.me.send_text(GREETING, topic="lk.transcription", attributes=attributes),
        client.me.set_attributes({"lk.agent.state": "listening"}),
    )


async def _main() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    command: dict[str, Any] = json.loads(await asyncio.to_thread(sys.stdin.readline))
    client = Client(Trace(), "player")
    await client.connect(command["url"], command["token"])
    if command["role"] == "agent":
        await act_as_agent(client)
    else:
        await client.publish()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
