"""Starts everything in order, says when it is ready, restarts what dies, and stops it all."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Coroutine, Mapping
from typing import Any

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.sandbox import valkey
from services.sandbox.run.plan import Plan, child_environment
from services.sandbox.run.process import Command, Process
from services.sandbox.run.settings import RunSettings
from services.sandbox.run.terminal import show, wait_until_closed
from shared.clock import set_within
from shared.redis.client import AWAY, connect, wait_for
from shared.runtime.health import read_reports
from shared.runtime.settings import EXIT_SETTINGS
from shared.runtime.tasks import cancel

READY_WITHIN_S = 90.0
RESTART_AFTER_S = (0.2, 1.0, 3.0, 10.0)
ONE_CTRL_C_S = 1.0
STEADY_S = 30.0  # a process that ran this long starts again at the first back-off
RESTARTED = ("agent", "leads", "config", "gateway", "livekit", "sandbox")

# Who is asked to stop first: whoever lets calls in, then who talks, then what all of them need.
STOP_ORDER = ("gateway", "agent", "leads", "config", "livekit", "sandbox", "redis")


class Supervisor:
    """`run` returns the exit code: 0 after a stop, 2 for a refused setting, else 1."""

    def __init__(self, settings: RunSettings, plan: Plan) -> None:
        self._settings = settings
        self._plan = plan
        self._environment: Mapping[str, str] = child_environment(plan)
        self._processes: list[Process] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._kill_now = asyncio.Event()
        self._asked_at: float | None = None
        self._exit_code = 0
        self._guardian: asyncio.subprocess.Process | None = None

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(signum, self._asked_to_stop)
        started = time.monotonic()
        hung_up = asyncio.create_task(wait_until_closed(), name="terminal")
        hung_up.add_done_callback(lambda _: self._stop.set())
        try:
            await self._start_guardian()
            for command in self._commands():
                if self._stop.is_set():
                    break
                await self._start(command)
                if command.name == "redis":
                    await self._unless_stopped(wait_for(self._environment["REDIS_URL"]))
                if command.name.startswith("agent"):
                    await self._unless_stopped(self._wait_for_stand_ins())
            await self._announce(started)
            await self._stop.wait()
        finally:
            await self._shut_down()
            await cancel(hung_up)
        return self._exit_code

    def _asked_to_stop(self) -> None:
        """The first signal stops all in order; another one, a second later, kills what is left.

        Sooner it is the same Ctrl-C, which a wrapper around `make run` has sent on.
        """
        now = asyncio.get_running_loop().time()
        if self._asked_at is None:
            self._asked_at = now
        elif now - self._asked_at > ONE_CTRL_C_S:
            self._kill_now.set()
        self._stop.set()

    # Starting

    def _commands(self) -> list[Command]:
        """In the order of starting: the agents take longest, the rest need the stand-ins."""
        python = sys.executable
        data = self._settings.sandbox_data.absolute()
        (data / "redis").mkdir(parents=True, exist_ok=True)
        (data / "spool").mkdir(parents=True, exist_ok=True)
        commands = []
        if self._plan.redis_port is not None:
            server = valkey.command(self._plan.redis_port, data / "redis")
            commands.append(Command("redis", server, 2.0))
        if self._plan.own_livekit:
            commands.append(Command("livekit", [python, "-m", "services.sandbox.livekit"], 1.0))
        commands.append(Command("sandbox", [python, "-m", "services.sandbox"], 1.0))
        agents = _replicas("agent", self._settings.sandbox_agents)
        commands += [Command(name, [python, "-m", "services.agent"], 3.0) for name in agents]
        commands.append(Command("config", [python, "-m", "services.config"], 1.0))
        leads = _replicas("leads", self._settings.sandbox_leads)
        commands += [Command(name, [python, "-m", "services.leads"], 2.0) for name in leads]
        commands.append(Command("gateway", [python, "-m", "services.gateway"], 2.0))
        return commands

    async def _start_guardian(self) -> None:
        self._guardian = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.sandbox.run.guardian",
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    def _tell_guardian(self, line: str) -> None:
        if self._guardian and self._guardian.stdin:
            with contextlib.suppress(ConnectionError):
                self._guardian.stdin.write(f"{line}\n".encode())

    async def _start(self, command: Command) -> None:
        process = Process(command, len(self._processes), width=9)
        self._processes.append(process)
        await process.start(self._environment)
        self._tell_guardian(f"+{process.pid}")
        watcher = asyncio.create_task(self._watch(process), name=f"watch-{command.name}")
        self._watchers.append(watcher)

    async def _wait_for_stand_ins(self) -> None:
        """A service that starts before what it talks to would only log that it is away."""
        url = f"http://127.0.0.1:{self._settings.sandbox_port}/settings"
        async with httpx.AsyncClient(timeout=2.0) as http:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    await http.get(url)
                    return
                await asyncio.sleep(0.05)

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Waits for the work, READY_WITHIN_S at most; False when that, or a stop, came first."""
        working = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait(
            {working, stopped}, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED
        )
        done = working.done()
        await cancel(working, stopped)
        return done

    # Watching

    async def _watch(self, process: Process) -> None:
        """Restarts a process that dies; a refused setting or a dead Redis ends everything."""
        failures = 0
        while True:
            began = time.monotonic()
            code = await process.wait()
            self._tell_guardian(f"-{process.pid}")
            if self._stop.is_set():
                return
            if code == EXIT_SETTINGS or _kind(process) not in RESTARTED:
                process.say(f"ended with exit code {code}: stopping everything")
                self._exit_code = EXIT_SETTINGS if code == EXIT_SETTINGS else 1
                self._stop.set()
                return
            failures = 0 if time.monotonic() - began > STEADY_S else failures + 1
            pause = RESTART_AFTER_S[min(failures, len(RESTART_AFTER_S) - 1)]
            process.say(f"ended with exit code {code}: starting it again in {pause:g} s")
            if await set_within(self._stop, pause):
                return
            await process.start(self._environment)
            self._tell_guardian(f"+{process.pid}")

    # Getting ready

    async def _announce(self, started: float) -> None:
        if await self._unless_stopped(self._ready()):
            show(self._banner(), f"Started in {time.monotonic() - started:.1f} s.", "")
            show(f"Bolchaal is ready at http://localhost:{self._settings.web_port}")
        elif not self._stop.is_set():
            show(f"Not ready after {READY_WITHIN_S:g} s: the log above says why.")
            self._exit_code = 1
            self._stop.set()

    async def _ready(self) -> None:
        """Returns once every service says that it is ready, the agent's worker registered too."""
        redis = connect(self._environment.get("REDIS_URL") or str(self._settings.redis_url))
        page = f"http://127.0.0.1:{self._settings.web_port}/readyz"
        try:
            async with httpx.AsyncClient(timeout=2.0) as http:
                while True:
                    with contextlib.suppress(httpx.HTTPError, RedisError, *AWAY):
                        if await self._all_report(redis) and (await http.get(page)).is_success:
                            return
                    await asyncio.sleep(0.1)
        finally:
            await redis.aclose()

    async def _all_report(self, redis: Redis) -> bool:
        pids = {
            str(process.pid)
            for process in self._processes
            if _kind(process) in ("config", "leads", "agent")
        }
        ready = {
            report.replica.rpartition("-")[2]
            for report in await read_reports(redis)
            if report.status != "unavailable"
        }
        return pids <= ready

    def _banner(self) -> str:
        lines = ["", "What is real and what is simulated:"]
        for part in self._plan.parts:
            kind = "simulated" if part.simulated else "real"
            lines.append(f"  {part.name:<15} {kind:<10} {part.what}")
            if part.simulated:
                lines.append(f"  {'':<15} {'':<10} (real with {part.how_to_change} in .env)")
        return "\n".join(lines) + "\n"

    # Stopping

    async def _shut_down(self) -> None:
        """Gateway, agents, leads, config, sandbox, Redis: one after the other, each asked once."""
        self._stop.set()
        show("Stopping.")
        orderly = asyncio.create_task(self._stop_in_order())
        kill_now = asyncio.create_task(self._kill_now.wait())
        await asyncio.wait({orderly, kill_now}, return_when=asyncio.FIRST_COMPLETED)
        if not orderly.done():
            await cancel(orderly)
            await asyncio.gather(*(process.kill() for process in self._processes if process.pid))
        await cancel(kill_now, *self._watchers)
        self._tell_guardian("done")
        if self._guardian and self._guardian.stdin:
            self._guardian.stdin.close()
            await self._guardian.wait()
        show("Stopped.")

    async def _stop_in_order(self) -> None:
        """Replicas of one service stop side by side, so that many of them take no longer."""
        for kind in STOP_ORDER:
            wave = [each for each in self._processes if _kind(each) == kind and each.pid]
            await asyncio.gather(*(process.stop() for process in wave))


def _kind(process: Process) -> str:
    """The service of a process: `agent` for agent-2."""
    return process.command.name.partition("-")[0]


def _replicas(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]
