"""The agent service: a LiveKit worker with health, until it is asked to stop.

Each call runs in a process of its own (services.agent.job). Exit codes are the context's: 0 after a
stop, 2 for a setting, 1 for everything else.
"""

import asyncio
import os
from functools import partial
from pathlib import Path

from loguru import logger

from services.agent.provider_status import probe
from services.agent.provider_status.board import MIRROR_EVERY_S, StatusBoard
from services.agent.settings import AgentSettings
from services.agent.worker import CallWorker
from shared.errors import BolchaalError
from shared.leads import Leads
from shared.leads.spool import Spool, SpoolError
from shared.leads.store_and_forward import DRAIN_EVERY_S, StoreAndForward
from shared.runtime.health import Health
from shared.runtime.service import ServiceContext, run
from shared.runtime.tasks import first_of

# The framework would load 244 MB of end-of-turn weights that a turn ended by the detector never
# uses; read when a job process is prepared.
PRELOAD = "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE"

LOOK_EVERY_S = 1.0


def main() -> None:
    os.environ[PRELOAD] = "0"
    run("agent", AgentSettings, serve)


async def serve(context: ServiceContext[AgentSettings]) -> None:
    """Registers, takes calls, drains and leaves."""
    settings, health = context.settings, context.health
    if context.stop.is_set():
        return
    for model, successor in settings.retired_models().items():
        logger.warning("the model {!r} is retired: using {!r}", model, successor)
    worker = CallWorker(settings)
    health.set_failing("livekit", "not registered with LiveKit yet")
    worker.on("worker_registered", lambda *_: health.set_ok("livekit"))
    board = StatusBoard(context.redis)
    spool = _open_spool(settings.spool_dir, health)
    loops = context.background
    loops.every("LiveKit registration", LOOK_EVERY_S, partial(_look, worker, settings, health))
    loops.every("provider status", MIRROR_EVERY_S, partial(board.mirror, health))
    loops.run("provider probe", probe.Probe(settings, board).run)
    if spool is not None:
        context.resources.callback(spool.close)
        leads = Leads(context.redis, source="agent", keep_days=settings.keep_days)
        saver = StoreAndForward(leads, spool, on_outage=partial(_on_outage, health))
        loops.every("spool", DRAIN_EVERY_S, saver.drain_once)
    await _hold_calls(worker, context.stop, settings.drain_timeout)


async def _hold_calls(worker: CallWorker, stop: asyncio.Event, drain_timeout: int) -> None:
    """Takes calls until `stop`. Raises BolchaalError when the worker ends before."""
    running = asyncio.create_task(worker.run(), name="worker")
    await first_of(running, stop)
    if running.done():
        await running
        raise BolchaalError("the worker ended by itself")
    await _drain(worker, drain_timeout)
    await worker.aclose()
    await running


async def _look(worker: CallWorker, settings: AgentSettings, health: Health) -> None:
    """Ready is who has registered: without that no call comes."""
    refusal = None if worker.connected else await probe.livekit_refusal(settings)
    health.set_failing("livekit", None if worker.connected else refusal)


def _open_spool(folder: Path, health: Health) -> Spool | None:
    """The spool; without one calls are held all the same, and /readyz says what is at risk."""
    try:
        return Spool(folder)
    except SpoolError as error:
        logger.error("SPOOL_DIR {}: {}", folder, error.message)
        health.set_degraded(
            "spool", "SPOOL_DIR cannot be written: leads are safe only while Redis answers"
        )
        return None


def _on_outage(health: Health, name: str, reason: str | None) -> None:
    """What keeps the spool from being emptied. That Redis is away the health reports say."""
    if name != "redis":
        health.set_degraded(name, reason)


async def _drain(worker: CallWorker, timeout: int) -> None:
    """Takes no more calls and waits for those that run, `timeout` seconds at most."""
    if worker.calls():
        logger.info("stopping: waiting for {} calls, {} s at most", worker.calls(), timeout)
    if timeout == 0:
        return
    try:
        await worker.drain(timeout)
    except TimeoutError:
        logger.warning("stopping: {} calls are handed over", worker.calls())
