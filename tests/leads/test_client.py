"""One post, over real sockets, however the other side behaves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.leads.delivery.client import READ_AT_MOST_BYTES, WebhookClient, open_http
from services.leads.delivery.response_policy import Answer
from shared.clock import SystemClock
from tests.valkey import free_port

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class AtTen(SystemClock):
    def now(self) -> datetime:
        return datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@contextlib.asynccontextmanager
async def _listening(serve: Serve) -> AsyncIterator[str]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhook/lead-capture"


async def _post(url: str, **options: Any) -> Answer:
    async with open_http(1, options.get("timeout", 0.5)) as client:
        return await WebhookClient(client, url, **options).post("id.1", b'{"a": 1}')


def _answering(head: bytes, body: bytes = b"") -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'{"a": 1}')
        writer.write(head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return serve


async def test_an_answer_is_read() -> None:
    """An acknowledgement would not be seen."""
    async with _listening(_answering(b"HTTP/1.1 200 OK", b'{"status": "accepted"}')) as url:
        assert await _post(url) == Answer(200, '{"status": "accepted"}')


async def test_nobody_listens() -> None:
    """A refused connection, after which nothing can be at work, would cost a minute of grace."""
    assert (await _post(f"http://127.0.0.1:{free_port()}/x")).failure == "refused"


async def test_a_silent_server_is_left_after_the_time_out() -> None:
    """One hanging N8N would hold all slots for ever."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with _listening(silent) as url:
        assert (await _post(url, timeout=0.1)).failure == "timeout"


async def test_a_dripping_answer_is_left_after_the_time_out() -> None:
    """Time-outs a byte would let an answer last for hours."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'{"a": 1}')
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)  # a byte in time, and the whole never

    async with _listening(drip) as url:
        assert (await _post(url, timeout=0.2)).failure == "timeout"


async def test_a_cut_connection() -> None:
    """What may have been received would be sent again at once."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'{"a": 1}')
        writer.transport.abort()

    async def close(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'{"a": 1}')

    for serve in (cut, close):
        async with _listening(serve) as url:
            assert (await _post(url)).failure == "reset"


async def test_what_is_not_http() -> None:
    """A wrong port would end the service."""
    async with _listening(_answering(b"SSH-2.0-OpenSSH_9.2")) as url:
        assert (await _post(url)).failure in ("unreadable", "reset")
    async with _listening(
        _answering(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip", b"not gzip")
    ) as url:
        assert (await _post(url)).failure == "unreadable"


@pytest.mark.parametrize("value", ["a\nb", "टोकन"])
async def test_a_header_that_cannot_be_sent(value: str) -> None:
    """No post would ever leave, and the reason given be a broken connection."""
    async with _listening(_answering(b"HTTP/1.1 200 OK")) as url:
        assert (await _post(url, auth=("X-Token", value))).failure == "unsendable"


async def test_a_huge_answer_is_not_read_to_its_end() -> None:
    """A misconfigured N8N could fill the service's memory."""
    async with _listening(_answering(b"HTTP/1.1 200 OK", b"x" * 3_000_000)) as url:
        answer = await _post(url, timeout=5.0)
    assert answer.status == 200
    assert len(answer.text) == READ_AT_MOST_BYTES


async def test_redirects_are_not_followed() -> None:
    """A followed redirect turns the POST into a GET: N8N would get nothing and answer 200."""
    async with _listening(_answering(b"HTTP/1.1 301 Moved\r\nlocation: /elsewhere")) as url:
        assert (await _post(url)).status == 301


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("soon", None), ("Tue, 24 Nov 2026 11:00:00 GMT", 3600.0)],
)
async def test_retry_after_in_both_forms(text: str, seconds: float | None) -> None:
    """A wish for a pause would be misread."""
    head = f"HTTP/1.1 429 Too Many\r\nretry-after: {text}".encode()
    async with _listening(_answering(head)) as url:
        assert (await _post(url, clock=AtTen())).retry_after == seconds


async def test_without_a_secret_nothing_is_signed() -> None:
    """A receiver that verifies would be given a signature made with nothing."""
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(note)) as client:
        await WebhookClient(client, "http://n8n/x").post("id.1", b"{}")
        secret = "whsec_" + "c2VjcmV0" * 4
        await WebhookClient(client, "http://n8n/x", secrets=[secret]).post("id.1", b"{}")
    assert "webhook-signature" not in seen[0].headers
    assert seen[0].headers["webhook-id"] == "id.1"
    Webhook(secret).verify(seen[1].content, dict(seen[1].headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b"{ }", dict(seen[1].headers))
