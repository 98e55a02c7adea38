"""A tap between the server and its clients: passes bytes on and notes what they say."""

import asyncio
import contextlib
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from livekit.protocol.agent import ServerMessage, WorkerMessage
from livekit.protocol.rtc import SignalRequest, SignalResponse

from shared.runtime.tasks import cancel
from tests.sandbox.livekit.conformance import frames, normal
from tests.sandbox.livekit.conformance.trace import Trace

_DRAIN_S = 1.0  # a client that has gone away may still be answered for so long
_MESSAGES = {
    ("rtc", "c>s"): SignalRequest,
    ("rtc", "s>c"): SignalResponse,
    ("agent", "c>s"): WorkerMessage,
    ("agent", "s>c"): ServerMessage,
}


@dataclass(slots=True)
class _Request:
    head: bytes
    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def token(self) -> str:
        """Bearer token or access_token; empty when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
        return parse_qs(urlsplit(self.target).query).get("access_token", [""])[0]

    @property
    def identity(self) -> str | None:
        parsed = normal.token_claims(self.token)
        return parsed["claims"].get("sub", "") if parsed else None

    @property
    def is_upgrade(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


class Tap:
    """Listens on a free port of 127.0.0.1 for one server; `url` is where clients go."""

    def __init__(self, trace: Trace, server_port: int) -> None:
        self._trace = trace
        self._server_port = server_port
        self._listener: asyncio.Server | None = None
        self._open: dict[str, tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=2**20)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        await cancel(*self._tasks)
        if self._listener is not None:
            await self._listener.wait_closed()

    def cut(self, channel: str) -> None:
        """Both TCP connections of an open socket are reset, as a network failure would do."""
        for writer in self._open[channel]:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = _parse(await reader.readuntil(b"\r\n\r\n"))
        up_reader, up_writer = await asyncio.open_connection(
            "127.0.0.1", self._server_port, limit=2**20
        )
        try:
            channel = self._channel(request)
            if request.is_upgrade:
                self._trace.see(channel, "c>s", f"WS {request.path}")
            up_writer.write(_rewritten(request))
            head = await up_reader.readuntil(b"\r\n\r\n")
            status = int(head.split()[1])
            if status != 101:
                await self._answer(request, channel, head, up_reader, writer)
                return
            writer.write(head)
            self._open[channel] = (writer, up_writer)
            await self._pump_both(channel, (reader, writer), (up_reader, up_writer))
        finally:
            up_writer.transport.abort()

    def _channel(self, request: _Request) -> str:
        if not request.is_upgrade:
            return "http"
        if request.path == "/agent":
            return self._trace.connection("agent:worker", first_is_bare=False)
        identity = request.identity
        name = "?" if identity is None else identity
        return self._trace.connection(f"rtc:{name}", first_is_bare=True)

    async def _answer(
        self,
        request: _Request,
        channel: str,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        headers = _headers(head)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        status = int(head.split()[1])
        text = body.decode(errors="replace")
        if request.is_upgrade:
            self._trace.see(channel, "s>c", "WS refused", {"status": status, "body": text})
        else:
            self._trace.see(
                "http",
                "s>c",
                f"{request.method} {request.path}",
                {
                    "status": status,
                    "content_type": headers.get("content-type", ""),
                    "body": text,
                    "cors": _cors(headers),
                },
            )
        writer.write(head + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def _pump_both(
        self,
        channel: str,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        up = asyncio.create_task(self._pump(channel, "c>s", client[0], server[1]))
        down = asyncio.create_task(self._pump(channel, "s>c", server[0], client[1]))
        try:
            done, _ = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if down not in done:
                await asyncio.wait({down}, timeout=_DRAIN_S)
        finally:
            await cancel(up, down)
            self._open.pop(channel, None)

    async def _pump(
        self,
        channel: str,
        direction: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        frame_reader = frames.FrameReader()
        code = 1006
        try:
            while data := await reader.read(2**16):
                for frame in frame_reader.feed(data):
                    code = frame.close_code if frame.opcode == frames.CLOSE else code
                    self._note(channel, direction, frame)
                with contextlib.suppress(OSError):
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass  # a reset connection has ended like any other
        finally:
            self._trace.see(channel, direction, "ws-eof", {"code": code})

    def _note(self, channel: str, direction: str, frame: frames.Frame) -> None:
        if frame.opcode in (frames.PING, frames.PONG):
            self._trace.see(channel, direction, f"ws-{_CONTROL[frame.opcode]}")
        if frame.opcode != frames.BINARY:
            return
        message = _MESSAGES[channel.partition(":")[0], direction]()
        message.ParseFromString(frame.payload)
        kind = message.WhichOneof("message")
        assert kind, f"{channel} {direction}: an empty message"
        self._trace.see(channel, direction, kind, normal.message(message)[kind])


_CONTROL = {frames.PING: "ping", frames.PONG: "pong"}


def _parse(head: bytes) -> _Request:
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
    return _Request(head, method, target, _headers(head))


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def _rewritten(request: _Request) -> bytes:
    """No compression, so that frames can be read; no second request on the same connection."""
    dropped = (
        (b"sec-websocket-extensions", b"connection")
        if not request.is_upgrade
        else (b"sec-websocket-extensions",)
    )
    lines = request.head.rstrip(b"\r\n").split(b"\r\n")
    kept = [line for line in lines if line.split(b":", 1)[0].lower() not in dropped]
    if not request.is_upgrade:
        kept.append(b"Connection: close")
    return b"\r\n".join(kept) + b"\r\n\r\n"


def _cors(headers: dict[str, str]) -> dict[str, str]:
    prefix = "access-control-"
    return {
        "-".join(part.capitalize() for part in name.split("-")): value
        for name, value in headers.items()
        if name.startswith(prefix)
    }
