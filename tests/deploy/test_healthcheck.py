"""deploy/healthcheck.py: what Docker is told about a container."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy import healthcheck
from tests.valkey import free_port


class _Service(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        assert self.path == "/readyz"
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Service) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_only_a_service_that_can_work_is_healthy(
    status: int, code: int, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rolling update that takes 503 for ready would replace a good container with a bad one."""
    monkeypatch.setattr(_Service, "status", status)
    monkeypatch.setenv("HEALTH_PORT", str(port))
    assert healthcheck.main("HEALTH_PORT") == code


def test_nobody_there_is_unhealthy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`docker inspect` should say what was wrong, in one line."""
    port = free_port()
    monkeypatch.setenv("WEB_PORT", str(port))
    assert healthcheck.main("WEB_PORT") == 1
    assert capsys.readouterr().out.startswith(f"nobody answers on port {port}: ")


def test_an_empty_port_is_the_default_one(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose passes what is unset as an empty text."""
    monkeypatch.setenv("HEALTH_PORT", "")
    monkeypatch.setitem(healthcheck.PORTS, "HEALTH_PORT", port)
    assert healthcheck.main("HEALTH_PORT") == 0
