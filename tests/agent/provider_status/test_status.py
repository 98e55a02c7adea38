"""What providers refuse, where people see it: in the log, on /readyz, on the page of the call."""

import pytest
from redis.asyncio import Redis

from services.agent.provider_status.board import StatusBoard, Upstream
from services.agent.provider_status.status import ProviderStatus
from shared.calls.log import CallNotice
from shared.redis import keys
from shared.runtime.health import Health


class Rig:
    def __init__(self, redis: Redis) -> None:
        self.board = StatusBoard(redis)
        self.notices: list[CallNotice] = []
        self.status = ProviderStatus(self.board, self.notices.append)

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.notices]


@pytest.fixture
def rig(redis: Redis) -> Rig:
    return Rig(redis)


async def test_a_refusal_is_seen_by_the_worker_and_in_the_call(rig: Rig) -> None:
    """A refused key in a call's own process must not stay there."""
    health = Health("agent", "test")
    rig.status.refused("sarvam_stt", "Sarvam refuses the key")
    rig.status.refused("sarvam_stt", "Sarvam refuses the key")
    await rig.status.aclose()
    await rig.board.mirror(health)
    assert health.reasons == {"sarvam_stt": "Sarvam refuses the key"}
    rig.status.well("sarvam_stt")
    await rig.status.aclose()
    await rig.board.mirror(health)
    assert health.reasons == {}
    assert rig.codes == ["sarvam_stt_refused", "sarvam_stt_well"]


@pytest.mark.parametrize("upstream", ["llm", "sarvam_stt", "sarvam_tts"])
async def test_trouble_is_said_once_until_it_is_over(rig: Rig, upstream: Upstream) -> None:
    """A page full of the same line hides what else is wrong; one that stays tells a lie."""
    for reason in ("too slow", "too slow", "status 500"):
        rig.status.trouble(upstream, reason)
    rig.status.well(upstream)
    rig.status.well(upstream)
    rig.status.trouble(upstream, "too slow")
    await rig.status.aclose()
    assert rig.codes == [f"{upstream}_trouble", f"{upstream}_well", f"{upstream}_trouble"]
    assert [notice.level for notice in rig.notices] == ["warning", "info", "warning"]
    assert await rig.board.read() == {}


async def test_nothing_is_over_that_never_was(rig: Rig) -> None:
    """A call in which all goes well has no notices."""
    rig.status.well("llm", model="one")
    rig.status.well("sarvam_stt")
    await rig.status.aclose()
    assert rig.codes == []


async def test_that_the_second_model_answers_does_not_say_that_the_first_one_does(
    rig: Rig,
) -> None:
    """An operator whose key is refused reads it for as long as it is, in one line."""
    for _ in range(3):
        rig.status.refused("llm", "the key of one is refused", model="one")
        rig.status.well("llm", model="two")
    await rig.status.aclose()
    assert rig.codes == ["llm_refused"]
    assert await rig.board.read() == {"llm": "the key of one is refused"}
    rig.status.well("llm", model="one")
    await rig.status.aclose()
    assert rig.codes == ["llm_refused", "llm_well"]
    assert await rig.board.read() == {}


async def test_a_refusal_follows_trouble(rig: Rig) -> None:
    """First slow, then refused: the operator has to know the second."""
    rig.status.trouble("llm", "too slow")
    rig.status.refused("llm", "the key is refused")
    rig.status.trouble("llm", "too slow")
    rig.status.well("llm")
    await rig.status.aclose()
    assert rig.codes == ["llm_trouble", "llm_refused", "llm_well"]


async def test_a_call_clears_what_an_earlier_one_met(redis: Redis, rig: Rig) -> None:
    """A key that was mended is no reason any more, in the first call that it serves."""
    await Rig(redis).board.set("llm", "the key is refused")
    rig.status.well("llm")
    await rig.status.aclose()
    assert await rig.board.read() == {}


async def test_a_redis_that_refuses_ends_no_call(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board is for people: the call goes on without it."""
    await rig.board._redis.set(keys.AGENT_FAULTS, "not a hash")
    rig.status.refused("llm", "the key is refused")
    rig.status.well("llm")
    await rig.status.aclose()
    assert rig.codes == ["llm_refused", "llm_well"]


async def test_an_old_refusal_is_over(redis: Redis) -> None:
    """A call that nobody made again leaves no warning for ever; unreadable rows do no harm."""
    await redis.hset(keys.AGENT_FAULTS, "llm", '{"reason": "old", "at_ms": 1000}')
    await redis.hset(keys.AGENT_FAULTS, "sarvam_stt", "what a later version writes")
    assert await StatusBoard(redis).read() == {}
