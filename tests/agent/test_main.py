"""The agent as a process: what a wrong start looks like, and loops that die."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from loguru import logger
from redis.asyncio import Redis

from services.agent import main
from services.agent.provider_status import probe
from services.agent.settings import AgentSettings
from shared.leads.store_and_forward import StoreAndForward
from shared.runtime.service import ServiceContext, open_context
from tests.agent.calls import settings
from tests.service import run_python
from tests.waiting import until


async def test_wrong_and_missing_settings_are_lines_and_exit_code_2(tmp_path: Path) -> None:
    """An operator reads which variable is wrong and what is expected, and never a secret."""
    code, _, said = await run_python(
        tmp_path,
        "-m",
        "services.agent",
        REDIS_URL="http://user:hidden@example.com",
        LIVEKIT_URL="ws://127.0.0.1:7880",
        LIVEKIT_API_KEY="key",
        LIVEKIT_API_SECRET="also-hidden",
        MAX_CALLS="many",
        SARVAM_API_KEY="",
        OPENAI_API_KEY="hidden-too",
    )
    lines = said.splitlines()
    assert code == 2
    assert "Traceback" not in said
    assert "hidden" not in said
    assert {line.split(":")[0] for line in lines} == {"MAX_CALLS", "SARVAM_API_KEY", "REDIS_URL"}
    assert len(lines) == 3


class IdleWorker:
    """A worker that is registered, has no calls, and ends when it is told to."""

    connected = True

    def __init__(self, _: object) -> None:
        self._over = asyncio.Event()

    def on(self, *_: object) -> None:
        pass

    def calls(self) -> int:
        return 0

    async def run(self) -> None:
        await self._over.wait()

    async def drain(self, _: int) -> None:
        pass

    async def aclose(self) -> None:
        self._over.set()


@asynccontextmanager
async def serving(
    config: AgentSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ServiceContext[AgentSettings]]:
    """The worker's process as it runs, without LiveKit."""
    monkeypatch.setattr(main, "CallWorker", IdleWorker)
    stop = asyncio.Event()
    async with open_context("agent", config, stop) as context:
        serve = asyncio.create_task(main.serve(context))
        try:
            yield context
        finally:
            stop.set()
            await asyncio.wait_for(serve, 5)


@pytest.mark.parametrize("error", [OSError("no lock"), ValueError("ours")])
async def test_a_spool_that_is_not_emptied_any_more_is_noticed(
    redis: Redis,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """Leads would lie on the disk of a replica that looks well; and the loop goes on."""
    errors, drain = [error], StoreAndForward.drain_once
    again = asyncio.Event()

    async def dies(self: StoreAndForward) -> None:
        if errors:
            raise errors.pop()
        await drain(self)
        again.set()

    monkeypatch.setattr(StoreAndForward, "drain_once", dies)
    config = settings(redis_url, spool_dir=tmp_path, health_port=0)
    async with serving(config, monkeypatch) as context:

        async def noticed() -> bool:
            return "loop:spool" in context.health.reasons

        await until(noticed)
        await asyncio.wait_for(again.wait(), 5)


async def test_a_retired_model_is_named_once(
    redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said at every look and in every call, a warning is passed over like all the others."""
    config = settings(
        redis_url,
        llm_provider="groq",
        groq_api_key="key",
        llm_model="llama-3.3-70b-versatile",
        spool_dir=tmp_path,
        health_port=0,
    )
    lines: list[str] = []
    sink = logger.add(lines.append, format="{level} {message}")
    async with serving(config, monkeypatch) as context:

        async def probed() -> bool:
            return "llm" in context.health.reasons

        monkeypatch.setattr(probe, "EVERY_S", 0.01)
        await until(probed)
    logger.remove(sink)
    retired = [line for line in lines if "retired" in line]
    assert len(retired) == 1
    assert retired[0].startswith("WARNING the model 'llama-3.3-70b-versatile' is retired: using")
