"""The agent service: a LiveKit worker with health, until it is asked to stop.

Each call runs in a process of its own (services.agent.job). Exit codes are the context's: 0 after a
stop, 2 for a setting, 1 for everything else.
"""

import asyncio
import os

from loguru import logger

from services.agent.lead.sink import drain, open_spool
from services.agent.provider_status import probe
from services.agent.provider_status.board import FaultBoard
from services.agent.settings import AgentSettings
from services.agent.worker import Worker
from shared.errors import BolchaalError
from shared.leads import Leads
from shared.runtime.health import Health
from shared.runtime.service import ServiceContext, run
from shared.runtime.tasks import cancel

# The framework would load 244 MB of end-of-turn weights that a turn ended by the detector never
# uses; read when a job process is prepared.
PRELOAD = "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE"

LOOK_EVERY_S = 1.0


def main() -> None:
    os.environ[PRELOAD] = "0"
    run("agent", AgentSettings, serve)


async def serve(context: ServiceContext[AgentSettings]) -> None:
    """Registers, takes calls, drains and leaves."""
    settings = context.settings
    if context.stop.is_set():
        return
    settings.model()  # warns once of a retired model
    worker = Worker(settings)
    context.health.set_failing("livekit", "not registered with LiveKit yet")
    board = FaultBoard(context.redis)
    watchers = [
        asyncio.create_task(board.mirror(context.health), name="faults"),
        asyncio.create_task(probe.watch(settings, board), name="probe"),
        asyncio.create_task(_registration(worker, settings, context.health), name="registration"),
    ]
    spool = open_spool(settings.spool_dir)
    leads = Leads(context.redis, source="agent", keep_days=settings.keep_days)
    draining = asyncio.create_task(drain(leads, spool, context.health, context.stop), name="spool")
    running = asyncio.create_task(worker.run(), name="worker")
    stopped = asyncio.create_task(context.stop.wait(), name="stop")
    try:
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
            raise BolchaalError("the worker ended by itself")
        await _drain(worker, settings.drain_timeout)
        await worker.aclose()
        await running
    finally:
        await cancel(*watchers, stopped)
        context.stop.set()
        await draining
        if spool is not None:
            spool.close()


async def _registration(worker: Worker, settings: AgentSettings, health: Health) -> None:
    """Ready is who has registered: without that no call comes."""
    registered = asyncio.Event()
    worker.on("worker_registered", lambda *_: registered.set())
    while True:
        if worker.connected:
            health.set_ok("livekit")
        else:
            health.set_failing("livekit", await probe.livekit_refusal(settings))
        registered.clear()
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await registered.wait()
        except TimeoutError:
            continue


async def _drain(worker: Worker, timeout: int) -> None:
    """Takes no more calls and waits for those that run, `timeout` seconds at most."""
    if worker.calls():
        logger.info("stopping: waiting for {} calls, {} s at most", worker.calls(), timeout)
    if timeout == 0:
        return
    try:
        await worker.drain(timeout)
    except TimeoutError:
        logger.warning("stopping: {} calls are handed on", worker.calls())
