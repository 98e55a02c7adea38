"""The job process: what livekit-agents runs for each call.

In a module of its own, since the processes that run it import it by name.
"""

# Imported here, or the first request to a language model imports them while a caller waits.
import anyio._backends._asyncio
import anyio.streams.stapled  # noqa: F401
from livekit.agents import JobContext, JobProcess
from livekit.agents.utils import http_context
from loguru import logger
from redis.asyncio import Redis

from services.agent.call.running_call import SOURCE, Equipment, RunningCall
from services.agent.conversation import session as sessions
from services.agent.lead.sink import open_spool
from services.agent.llm import failover as models
from services.agent.settings import AgentSettings
from shared.calls import CallNotTaken, Calls
from shared.errors import BolchaalError, NotFound
from shared.ids import is_uuid
from shared.redis.client import AWAY, connect
from shared.runtime import log
from shared.runtime.settings import load

TAKE_S = 5.0  # for a Redis that restarts as the job begins


def prewarm(process: JobProcess) -> None:
    """Runs in an idle process, before there is a call."""
    settings = load(AgentSettings)
    log.setup(SOURCE, level=settings.log_level, format_=settings.log_format)
    http_context._create_ssl_context()  # noqa: SLF001 # the framework keeps it for the job's session
    process.userdata["equipment"] = Equipment(
        settings=settings,
        detector=sessions.detector(settings),
        # Their TLS contexts take 40 ms, or 150 on a busy machine: not while a caller waits.
        models=models.build(settings),
        spool=open_spool(settings.spool_dir),
    )


async def entrypoint(context: JobContext) -> None:
    """Takes the call that the dispatch names and starts it; a loser leaves without joining."""
    equipment: Equipment = context.proc.userdata["equipment"]
    call_id = context.job.metadata
    if not is_uuid(call_id):
        logger.error("a dispatch without a call id: leaving")
        context.shutdown(reason="no call id")
        return
    redis = connect(equipment.settings.redis_url)
    context.proc.userdata["redis"] = redis
    running = await _take(context, equipment, redis, call_id)
    if running is None:
        context.shutdown(reason="the call is not ours")
        return
    context.proc.userdata["call"] = running
    with logger.contextualize(call=call_id):
        await running.start()


async def _take(
    context: JobContext,
    equipment: Equipment,
    redis: Redis,
    call_id: str,
) -> RunningCall | None:
    calls = Calls(redis, source=SOURCE)
    try:
        held = await calls.take(call_id, context.job.id)
        call = await calls.get(call_id)
    except CallNotTaken as refused:
        logger.info("call {} is {}: leaving", call_id, refused.reason)
        return None
    except NotFound:
        logger.error("call {} is unknown: leaving", call_id)
        return None
    except AWAY as error:
        logger.error("call {} cannot be taken: {}", call_id, type(error).__name__)
        return None
    logger.info("call {} taken, attempt {}", call_id, held.attempt)
    return RunningCall(context, equipment, redis, call, held)


async def session_end(context: JobContext) -> None:
    """Runs once when the job shuts down, before the room is left."""
    running: RunningCall | None = context.proc.userdata.pop("call", None)
    try:
        if running is not None:
            await running.finish()
    except BolchaalError as error:
        logger.error("the call did not end well: {}", error.message)
    finally:
        redis: Redis | None = context.proc.userdata.pop("redis", None)
        if redis is not None:
            await redis.aclose()
