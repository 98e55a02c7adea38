"""What passes by itself when Redis does not do what it is asked, and waiting for it."""

import asyncio
import errno
import socket

import pytest
from redis import exceptions
from redis._parsers.base import BaseParser
from redis.asyncio import Redis

from shared.backoff import Backoff
from shared.redis.client import connect
from shared.redis.outage import OutageBackoff, outage_reason, retry_until_available
from tests.valkey import Valkey
from tests.virtual_time import in_virtual_time

FULL = "Redis is full (maxmemory): nothing can be saved"
READ_ONLY = "Redis is read-only (a replica, or a failover under way): nothing can be saved"

# Error lines as Redis 7 and Valkey send them -> how the reason begins; None: waiting is useless.
ANSWERS = {
    "OOM command not allowed when used memory > 'maxmemory'.": FULL,
    "OOM command not allowed when used memory > 'maxmemory'. script: 1f2, on @user_script:3.": FULL,
    "READONLY You can't write against a read only replica.": READ_ONLY,
    "READONLY You can't write against a read only replica. script: 1f2, on @user_script:1.": (
        READ_ONLY
    ),
    "ERR Error running script (call to f_1f2): @user_script:1: -READONLY You": READ_ONLY,
    "MISCONF Errors writing to the AOF file: No space left on device": "Redis cannot write to its",
    "MISCONF Redis is configured to save RDB snapshots": "Redis cannot write to its disk",
    "NOREPLICAS Not enough good replicas to write.": "Redis has too few replicas",
    "LOADING Redis is loading the dataset in memory": "Redis does not answer (LOADING)",
    "MASTERDOWN Link with MASTER is down": "Redis does not answer (MASTERDOWN)",
    "CLUSTERDOWN The cluster is down": "Redis does not answer (CLUSTERDOWN)",
    "TRYAGAIN Multiple keys request during rehashing of slot": "Redis does not answer (TRYAGAIN)",
    "UNBLOCKED force unblock from blocking operation, instance state changed": (
        "Redis does not answer (UNBLOCKED)"
    ),
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL": (
        "Redis does not answer (BUSY)"
    ),
    "ERR max number of clients reached": "Redis does not answer (ConnectionError)",
    "NOAUTH Authentication required.": "Redis refuses the user or password of REDIS_URL",
    "WRONGPASS invalid username-password pair": "Redis refuses the user or password of REDIS_URL",
    "NOPERM User default has no permissions to run the 'xadd' command": None,
    "WRONGTYPE Operation against a key holding the wrong kind of value": None,
    "ERR unknown command 'XADD'": None,
    "ERR no such key ROOM MISCONFIGURED BUSYKEY": None,
    "NOGROUP No such key 's' or consumer group 'g'": None,
    "BUSYGROUP Consumer Group name already exists": None,
    "NOSCRIPT No matching script. Please use EVAL.": None,
    "MOVED 3999 127.0.0.1:6381": None,
    "CROSSSLOT Keys in request don't hash to the same slot": None,
    "UNKILLABLE Sorry the script already executed write commands": None,
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.items())
def test_what_redis_answers_is_waited_for_or_raised(answer: str, expected: str | None) -> None:
    """A loop that takes a failover for a fault ends; one that waits out a fault hides it."""
    try:
        error = BaseParser.parse_error(answer)  # type: ignore[no-untyped-call]
    except ValueError:  # MOVED wants more than redis-py gives it outside of a cluster
        error = exceptions.ResponseError(answer)
    reason = outage_reason(error)
    if expected is None:
        assert reason is None
    else:
        assert reason is not None
        assert reason.startswith(expected)


def test_an_error_inside_a_pipeline_is_known_too() -> None:
    """redis-py puts the command before the code."""
    error = exceptions.ResponseError(
        "Command # 1 (SET a b) of pipeline caused error: MISCONF Errors"
    )
    assert outage_reason(error) == "Redis cannot write to its disk: nothing can be saved"


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (exceptions.ConnectionError("gone"), True),
        (exceptions.TimeoutError("slow"), True),
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (FileNotFoundError(2, "No such file", "/var/spool"), False),
        (socket.gaierror(-2, "Name or service not known"), False),
        (exceptions.DataError("a dict is no argument"), False),
        (ValueError("a fault of ours"), False),
    ],
)
def test_only_what_redis_does_is_its_outage(error: Exception, away: bool) -> None:
    """A full disk under the spool would be waited out as "Redis does not answer"."""
    assert (outage_reason(error) is not None) is away


async def test_a_server_that_refuses_writes_is_recognised(own_valkey: Valkey) -> None:
    """The table above would be our idea of what Redis says."""
    redis = connect(own_valkey.url)
    script = redis.register_script("return redis.call('SET', KEYS[1], 'v')")

    async def reason(*, by_script: bool) -> str | None:
        try:
            await (script(keys=["k"]) if by_script else redis.set("k", "v"))
        except exceptions.RedisError as error:
            return outage_reason(error)
        return "it was saved"

    await redis.config_set("maxmemory", 1)
    assert [await reason(by_script=each) for each in (False, True)] == [FULL, FULL]
    await redis.config_set("maxmemory", 0)
    await redis.config_set("min-replicas-to-write", 1)
    for each in (False, True):
        assert "too few replicas" in str(await reason(by_script=each))
    await redis.config_set("min-replicas-to-write", 0)
    await redis.replicaof("127.0.0.1", "1")
    assert [await reason(by_script=each) for each in (False, True)] == [READ_ONLY, READ_ONLY]
    await redis.config_set("replica-serve-stale-data", "no")
    with pytest.raises(exceptions.MasterDownError) as caught:
        await redis.get("k")
    assert "MASTERDOWN" in str(outage_reason(caught.value))
    await redis.aclose()


# Waiting


class Failing:
    """Fails with each error in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.times: list[float] = []

    async def __call__(self) -> str:
        self.times.append(asyncio.get_running_loop().time())
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def away(count: int) -> list[Exception]:
    return [exceptions.ConnectionError("gone") for _ in range(count)]


@in_virtual_time
async def test_trying_goes_on_until_redis_is_back() -> None:
    """What was said to be saved would be given up."""
    action = Failing(*away(9), exceptions.ReadOnlyError("no"))
    told: list[str | None] = []
    assert await retry_until_available("saving", action, on_outage=told.append) == "done"
    assert told == ["Redis does not answer (ConnectionError)", READ_ONLY, None]
    pauses = [
        later - earlier for earlier, later in zip(action.times, action.times[1:], strict=False)
    ]
    assert 0.02 < pauses[0] < 0.06
    assert all(pause < 1.01 for pause in pauses)


@in_virtual_time
async def test_a_fault_is_raised_at_once() -> None:
    """A wrong command would be repeated for ever, and nobody would hear of it."""
    action = Failing(exceptions.ResponseError("WRONGTYPE no"))
    with pytest.raises(exceptions.ResponseError):
        await retry_until_available("saving", action)
    assert len(action.times) == 1


@in_virtual_time
async def test_who_has_to_go_stops_waiting_at_once() -> None:
    """A process that ends while Redis is away would be killed."""
    until = asyncio.Event()
    asyncio.get_running_loop().call_later(3.0, until.set)
    assert await retry_until_available("saving", Failing(*away(99)), until=until) is None
    assert 3.0 <= asyncio.get_running_loop().time() < 3.01


@in_virtual_time
async def test_who_has_to_go_still_tries_once() -> None:
    """What is in hand would be thrown away although Redis is well."""
    until = asyncio.Event()
    until.set()
    assert await retry_until_available("saving", Failing(), until=until) == "done"


@in_virtual_time
async def test_trying_may_have_a_limit() -> None:
    """A caller would wait in silence for as long as Redis is away."""
    with pytest.raises(TimeoutError, match="does not answer"):
        await retry_until_available("saving", Failing(*away(99)), within=5.0)
    assert asyncio.get_running_loop().time() == pytest.approx(5.0, abs=0.01)


@in_virtual_time
async def test_the_limit_cuts_a_command_that_hangs() -> None:
    """A Redis that accepts and does not answer would hold a caller for twenty seconds."""

    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await retry_until_available("saving", hang, within=5.0)
    assert asyncio.get_running_loop().time() == pytest.approx(5.0, abs=0.01)


@in_virtual_time
async def test_the_limit_does_not_hide_what_is_wrong() -> None:
    """An operator would look for a network fault while Redis is full."""
    full = exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'")
    first = iter([full])

    async def refused_then_hangs() -> None:
        for error in first:
            raise error
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError, match="Redis is full"):
        await retry_until_available("saving", refused_then_hangs, within=2.0)


@in_virtual_time
async def test_the_limit_holds_when_a_cancellation_is_swallowed() -> None:
    """redis-py swallows some: the agent would wait for Redis for ever in the middle of a call."""

    async def swallow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise exceptions.ConnectionError("gone") from None

    with pytest.raises(TimeoutError):
        await retry_until_available("saving", swallow, within=5.0)
    assert asyncio.get_running_loop().time() == pytest.approx(5.0, abs=0.01)


@in_virtual_time
async def test_pauses_begin_anew_after_an_outage() -> None:
    """The second outage of a day would be noticed late."""
    outage = OutageBackoff("reading", backoff=Backoff(1, 60, (1, 1)))
    loop = asyncio.get_running_loop()
    for _ in range(2):
        began = loop.time()
        for _ in range(3):
            await outage.wait("away")
        assert loop.time() - began == pytest.approx(7)
        assert outage.reason == "away"
        outage.over()
        assert outage.reason is None


async def test_a_client_reports_a_dead_server_in_time(redis: Redis) -> None:
    """A service would hang instead of saying that Redis is away."""
    dead = connect("redis://127.0.0.1:1/0", retries=0)
    async with asyncio.timeout(5):
        with pytest.raises(exceptions.ConnectionError):
            await dead.ping()
    await dead.aclose()
