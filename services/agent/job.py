"""The job process: what livekit-agents runs for each call.

In a module of its own, since the processes that run it import it by name.
"""

# Imported here, or the first request to a language model imports them while a caller waits.
import anyio._backends._asyncio
import anyio.streams.stapled  # noqa: F401 - the reason is above
from livekit.agents import JobContext, JobProcess
from livekit.agents.utils import http_context
from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.agent.call.running_call import SOURCE, JobResources, RunningCall
from services.agent.conversation import session as sessions
from services.agent.llm import models
from services.agent.settings import AgentSettings
from shared.calls import Call, CallNotTaken, Calls, HeldCall
from shared.errors import BolchaalError, NotFound
from shared.ids import is_uuid
from shared.leads.spool import Spool, SpoolError
from shared.redis.client import connect
from shared.runtime import log
from shared.runtime.settings import load


def prewarm(process: JobProcess) -> None:
    """Runs in an idle process, before there is a call.

    What is wrong with the settings is said by the worker's main, once, and not here again.
    """
    settings = load(AgentSettings)
    log.setup(SOURCE, level=settings.log_level, format_=settings.log_format)
    http_context._create_ssl_context()  # noqa: SLF001 - the framework keeps it for the job's session
    try:
        spool = Spool(settings.spool_dir)
    except SpoolError:
        spool = None
    process.userdata["resources"] = JobResources(
        settings=settings,
        detector=sessions.detector(settings),
        # Their TLS contexts take 40 ms, or 150 on a busy machine: not while a caller waits.
        models=models.build(settings.model_choices(), settings.model_options()),
        spool=spool,
    )


async def entrypoint(context: JobContext) -> None:
    """Takes the call that the dispatch names and starts it; a loser leaves without joining."""
    resources: JobResources = context.proc.userdata["resources"]
    call_id = context.job.metadata
    if not is_uuid(call_id):
        logger.error("a dispatch without a call id: leaving")
        context.shutdown(reason="no call id")
        return
    redis = connect(resources.settings.redis_url)
    context.proc.userdata["redis"] = redis
    taken = await _take(redis, call_id, context.job.id)
    if taken is None:
        context.shutdown(reason="the call is not ours")
        return
    running = RunningCall(context, resources, redis, *taken)
    context.proc.userdata["call"] = running
    with logger.contextualize(call=call_id):
        await running.start()


async def _take(redis: Redis, call_id: str, owner: str) -> tuple[Call, HeldCall] | None:
    """The call and our hold on it; None, with a line in the log, when it is not to be had."""
    calls = Calls(redis, source=SOURCE)
    try:
        held = await calls.take(call_id, owner)
        call = await calls.get(call_id)
    except CallNotTaken as error:
        logger.info("call {} is {}: leaving", call_id, error.reason)
        return None
    except NotFound:
        logger.error("call {} is unknown: leaving", call_id)
        return None
    except (RedisError, OSError) as error:
        logger.error("call {} cannot be taken: {}", call_id, type(error).__name__)
        return None
    logger.info("call {} taken, attempt {}", call_id, held.attempt)
    return call, held


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
