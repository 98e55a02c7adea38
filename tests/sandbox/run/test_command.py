"""`python -m services.sandbox.run` as somebody types it, with something wrong."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.valkey import free_port

ROOT = Path(__file__).resolve().parents[3]


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LIVEKIT", "SANDBOX"))}
    return subprocess.run(
        [sys.executable, "-m", "services.sandbox.run"],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


PORTS = ("WEB_PORT", "SANDBOX_PORT", "SANDBOX_LIVEKIT_PORT")


@pytest.mark.parametrize("setting", PORTS)
def test_a_taken_port_is_named_with_its_variable(setting: str, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        # The other two must not be the defaults, which another system here may use.
        ports = {name: str(free_port()) for name in PORTS}
        done = run(tmp_path, **ports | {setting: str(port)})
    assert done.returncode == 2
    assert done.stderr.startswith(f"{setting}: port {port} is taken")
    assert done.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, WEB_PORT="abc")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("WEB_PORT: found 'abc'")


def test_ctrl_c_while_it_loads_leaves_no_traceback(tmp_path: Path) -> None:
    """Whoever changes their mind in the first half second must not think that it is broken."""
    # The folder comes first on the path, so this file is imported in place of the package.
    interrupt = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "loguru.py").write_text(interrupt, encoding="utf-8")
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
