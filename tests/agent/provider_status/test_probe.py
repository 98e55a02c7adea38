"""Asking the outside before a caller has to find out."""

from collections.abc import AsyncIterator
from functools import partial

import aiohttp
import pytest
from redis import exceptions
from redis.asyncio import Redis

from services.agent.provider_status import probe
from services.agent.provider_status.board import StatusBoard, Upstream
from services.sandbox.livekit import DevServer
from shared.backoff import Backoff
from shared.runtime.background import Background
from shared.runtime.health import Health
from tests.agent.calls import scripted_llm, settings
from tests.agent.sarvam import Speech, speech
from tests.waiting import until

KEY, SECRET = "devkey", "a-secret-of-thirty-two-characters-0"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=probe.TIMEOUT) as opened:
        yield opened


@pytest.fixture
async def sarvam() -> AsyncIterator[Speech]:
    async with speech() as running:
        yield running


async def test_a_language_model_that_accepts_us(session: aiohttp.ClientSession) -> None:
    """No false alarm on a machine where all is well."""
    async with scripted_llm() as (_, url):
        assert await probe.llm_refusal(settings(llm_base_url=url), session) is None
        listed_elsewhere = settings(llm_base_url=url, llm_model="not-in-the-list")
        assert await probe.llm_refusal(listed_elsewhere, session) is None


async def test_a_refused_key_is_named_by_its_variable(session: aiohttp.ClientSession) -> None:
    """An operator must read which line of .env is wrong, and never the key itself."""
    async with scripted_llm() as (_, url):
        wrong = settings(llm_base_url=url, openai_api_key="invalid-secret")
        said = await probe.llm_refusal(wrong, session)
    assert said
    assert "OPENAI_API_KEY" in said
    assert "invalid-secret" not in said


async def test_a_model_that_is_gone_is_named(session: aiohttp.ClientSession) -> None:
    """Providers retire models; every call would be an apology."""
    async with scripted_llm() as (_, url):
        gone = settings(llm_base_url=url, llm_model="unknown-model")
        assert "'unknown-model'" in str(await probe.llm_refusal(gone, session))


async def test_a_provider_that_is_not_there(session: aiohttp.ClientSession) -> None:
    """A typing error in LLM_BASE_URL is said, not guessed."""
    away = settings(llm_base_url="http://127.0.0.1:1/v1")
    assert "does not answer" in str(await probe.llm_refusal(away, session))


async def test_sarvams_answers(session: aiohttp.ClientSession, sarvam: Speech) -> None:
    """Accepted, refused at the handshake, refused by a close code, not there."""
    config = settings(sarvam_base_url=sarvam.url)
    assert await probe.sarvam_refusal(config, session) is None
    sarvam.stt.refuse_code = 1003
    assert "1003" in str(await probe.sarvam_refusal(config, session))
    sarvam.stt.refuse_status = 403
    assert "SARVAM_API_KEY" in str(await probe.sarvam_refusal(config, session))
    away = settings(sarvam_base_url="ws://127.0.0.1:1")
    assert "does not answer" in str(await probe.sarvam_refusal(away, session))


async def test_livekits_answers() -> None:
    """A wrong secret and a wrong address are two different lines of .env."""
    async with DevServer(KEY, SECRET, port=0) as server:
        right = settings(livekit_url=server.url)
        assert "not registered" in await probe.livekit_refusal(right)
        wrong = settings(
            livekit_url=server.url, livekit_api_secret="another-secret-of-32-characters-0"
        )
        assert "LIVEKIT_API_SECRET" in await probe.livekit_refusal(wrong)
    assert "LIVEKIT_URL" in await probe.livekit_refusal(settings())


@pytest.mark.parametrize(
    "answer",
    [
        exceptions.ReadOnlyError("READONLY You can't write against a read only replica."),
        exceptions.OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'"),
        exceptions.ConnectionError("away"),
        exceptions.ResponseError("ERR something that nobody has seen before"),
    ],
    ids=["readonly", "oom", "away", "odd"],
)
async def test_the_board_is_kept_true_whatever_redis_answers(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    """After a failover nobody would learn any more that a key is refused; and while it lasts the
    providers are not asked each second.
    """
    board, answers, set_ = StatusBoard(redis), [answer, answer], StatusBoard.set
    looks: list[str] = []

    async def odd(self: StatusBoard, upstream: Upstream, reason: str) -> None:
        if answers:
            raise answers.pop()
        await set_(self, upstream, reason)

    async def refused(*_: object) -> str:
        looks.append("look")
        return "refused"

    monkeypatch.setattr(StatusBoard, "set", odd)
    monkeypatch.setattr(probe, "llm_refusal", refused)
    monkeypatch.setattr(probe, "sarvam_refusal", refused)
    async with Background(restart=Backoff(0.01, 0.02)) as loops:
        loops.run("provider probe", probe.Probe(settings(), board).run)

        async def told() -> bool:
            return await board.read() == {"llm": "refused", "sarvam_stt": "refused"}

        await until(told)
    if not isinstance(answer, exceptions.ResponseError) or "ERR" not in str(answer):
        assert len(looks) == 2


async def test_the_worker_shows_refusals_whatever_redis_answers(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other half: one odd answer, and /readyz would show what was true then for ever."""
    board, health = StatusBoard(redis), Health("agent", "test")
    answers = [exceptions.ResponseError("ERR odd"), exceptions.ReadOnlyError("READONLY")]
    read_all = StatusBoard.read

    async def odd(self: StatusBoard) -> dict[str, str]:
        if answers:
            raise answers.pop()
        return await read_all(self)

    monkeypatch.setattr(StatusBoard, "read", odd)
    await board.set("llm", "the key is refused")
    async with Background(health, restart=Backoff(0.01, 0.02)) as loops:
        loops.every("provider status", 0.01, partial(board.mirror, health))

        async def shown() -> bool:
            return health.reasons == {"llm": "the key is refused"}

        await until(shown)
