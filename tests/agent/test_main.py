"""The agent as a process: what a wrong start looks like."""

import asyncio
import os
import sys
from pathlib import Path

KEEP = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")


async def run(tmp_path: Path, **environment: str) -> tuple[int, str]:
    """Exit code and stderr of an agent that is given exactly these variables."""
    kept = {name: os.environ[name] for name in KEEP if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.agent"),
        env={**kept, "PYTHONPATH": str(Path.cwd()), **environment},
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, stderr.decode()


async def test_wrong_and_missing_settings_are_lines_and_exit_code_2(tmp_path: Path) -> None:
    """An operator reads which variable is wrong and what is expected, and never a secret."""
    code, said = await run(
        tmp_path,
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
