"""What the tests speak to the development server with: sockets and clients."""

import asyncio
import base64
import gzip
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import WSMsgType
from livekit import api, rtc as sdk
from livekit.protocol import agent, rtc

from services.sandbox.livekit import DevServer

KEY = "devkey"
SECRET = "a-secret-of-the-tests-with-enough-characters"
WAIT = 5.0  # seconds until a test gives up; what it waits for takes milliseconds


def token(
    identity: str,
    room: str = "room",
    *,
    config: api.RoomConfiguration | None = None,
    attributes: dict[str, str] | None = None,
    kind: str | None = None,
    **grants: Any,
) -> str:
    grants = {"room_join": True, "room": room, **grants}
    made = api.AccessToken(KEY, SECRET).with_identity(identity)
    made = made.with_grants(api.VideoGrants(**grants))
    if config is not None:
        made = made.with_room_config(config)
    if attributes is not None:
        made = made.with_attributes(attributes)
    if kind is not None:
        made.claims.kind = kind
    return made.to_jwt()


def wrap(join: rtc.JoinRequest, *, compressed: bool = True) -> str:
    """A join request as it stands in the query."""
    raw = join.SerializeToString()
    kind = rtc.WrappedJoinRequest.Compression
    wrapped = rtc.WrappedJoinRequest(
        compression=kind.GZIP if compressed else kind.NONE,
        join_request=gzip.compress(raw) if compressed else raw,
    )
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


class Signal:
    """A signal socket and nothing else: no media. Everything received is kept in `seen`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[rtc.SignalResponse] = []

    async def send(self, **message: Any) -> None:
        await self.socket.send_bytes(rtc.SignalRequest(**message).SerializeToString())

    async def receive(self) -> rtc.SignalResponse:
        """The next message. Raises EOFError when the server has closed."""
        async with asyncio.timeout(WAIT):
            received = await self.socket.receive()
        if received.type != WSMsgType.BINARY:
            raise EOFError
        message = rtc.SignalResponse.FromString(received.data)
        self.seen.append(message)
        return message

    async def until(self, kind: str, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """The next message of that kind for which `wanted` holds."""
        while True:
            message = await self.receive()
            if message.WhichOneof("message") == kind and wanted(getattr(message, kind)):
                return getattr(message, kind)

    async def closed(self) -> int | None:
        """The code with which the server closes; what comes before is kept."""
        while True:
            try:
                await self.receive()
            except EOFError:
                return self.socket.close_code

    @property
    def kinds(self) -> list[str | None]:
        return [message.WhichOneof("message") for message in self.seen]


class FakeWorker:
    """A worker socket whose answers the test gives."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, **message: Any) -> None:
        await self.socket.send_bytes(agent.WorkerMessage(**message).SerializeToString())

    async def status(self, *, full: bool = False, load: float = 0.0) -> None:
        status = agent.WorkerStatus.WS_FULL if full else agent.WorkerStatus.WS_AVAILABLE
        await self.send(update_worker=agent.UpdateWorkerStatus(status=status, load=load))
        await self.send(ping=agent.WorkerPing(timestamp=1))
        await self.until("pong")

    async def until(self, kind: str) -> Any:
        """Raises EOFError when the server has closed, TimeoutError when nothing comes."""
        async with asyncio.timeout(WAIT):
            while True:
                received = await self.socket.receive()
                if received.type != WSMsgType.BINARY:
                    raise EOFError
                message = agent.ServerMessage.FromString(received.data)
                if message.WhichOneof("message") == kind:
                    return getattr(message, kind)

    async def answer(self, job_id: str, *, available: bool, terminate: bool = False) -> None:
        await self.send(
            availability=agent.AvailabilityResponse(
                job_id=job_id,
                available=available,
                terminate=terminate,
                participant_identity=f"agent-{job_id}",
                participant_name="Agent",
            )
        )

    async def take(self) -> agent.JobAssignment:
        """Accept the next job."""
        offer = await self.until("availability")
        await self.answer(offer.job.id, available=True)
        assignment = await self.until("assignment")
        assert isinstance(assignment, agent.JobAssignment)
        return assignment


class Clients:
    """Makes clients of one server, and closes them all."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def signal(
        self, jwt: str, join: rtc.JoinRequest | None = None, *, compressed: bool = True
    ) -> Signal:
        """Raises aiohttp.WSServerHandshakeError when it is refused."""
        query = {"join_request": wrap(join or rtc.JoinRequest(), compressed=compressed)}
        socket = await self._session.ws_connect(
            self.server.http_url + "/rtc/v1",
            params=query,
            headers={"Authorization": f"Bearer {jwt}"},
        )
        self._stack.push_async_callback(socket.close)
        return Signal(socket)

    async def validate(self, jwt: str) -> tuple[int, str]:
        """What a refused client asks: status and text."""
        async with self._session.get(
            self.server.http_url + "/rtc/v1/validate",
            params={"access_token": jwt, "join_request": wrap(rtc.JoinRequest())},
        ) as response:
            return response.status, await response.text()

    async def worker(
        self,
        agent_name: str = "",
        *,
        load: float = 0.0,
        kind: agent.JobType = agent.JobType.JT_ROOM,
    ) -> FakeWorker:
        """A registered worker."""
        jwt = api.AccessToken(KEY, SECRET).with_grants(api.VideoGrants(agent=True)).to_jwt()
        worker = FakeWorker(await self.worker_socket(jwt))
        register = agent.RegisterWorkerRequest(agent_name=agent_name, type=kind)
        await worker.send(register=register)
        await worker.until("register")
        await worker.status(load=load)
        return worker

    async def worker_socket(self, jwt: str) -> aiohttp.ClientWebSocketResponse:
        socket = await self._session.ws_connect(
            self.server.http_url + "/agent", headers={"Authorization": f"Bearer {jwt}"}
        )
        self._stack.push_async_callback(socket.close)
        return socket

    async def room(
        self,
        identity: str,
        room: str = "room",
        *,
        jwt: str | None = None,
        options: sdk.RoomOptions | None = None,
        prepare: Callable[[sdk.Room], None] = lambda _: None,
    ) -> sdk.Room:
        """A real client, connected; `prepare` sets its handlers before."""
        client = sdk.Room()
        prepare(client)
        await client.connect(
            self.server.url, jwt or token(identity, room), options or sdk.RoomOptions()
        )
        self._stack.push_async_callback(client.disconnect)
        return client

    async def api(self) -> api.LiveKitAPI:
        return await self._stack.enter_async_context(
            api.LiveKitAPI(self.server.http_url, KEY, SECRET)
        )

    async def post(
        self, method: str, body: str, *, jwt: str | None = None, service: str = "RoomService"
    ) -> tuple[int, Any]:
        """A Twirp call in JSON: status and decoded answer, or its text."""
        headers = {"Content-Type": "application/json"}
        if jwt is not None:
            headers["Authorization"] = f"Bearer {jwt}"
        url = f"{self.server.http_url}/twirp/livekit.{service}/{method}"
        async with self._session.post(url, data=body, headers=headers) as response:
            if response.content_type == "application/json":
                return response.status, await response.json()
            return response.status, await response.text()


class Heard:
    """Collects the events of a real client by name, and waits for them."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self._queue: asyncio.Queue[tuple[str, tuple[Any, ...]]] = asyncio.Queue()

    def __call__(self, room: sdk.Room) -> None:
        for name in self._names:
            room.on(name, self._recorder(name))  # type: ignore[arg-type]

    def _recorder(self, name: str) -> Callable[..., None]:
        def record(*values: Any) -> None:
            self.events.append((name, values))
            self._queue.put_nowait((name, values))

        return record

    async def until(self, name: str) -> tuple[Any, ...]:
        async with asyncio.timeout(WAIT):
            while True:
                got, values = await self._queue.get()
                if got == name:
                    return values
