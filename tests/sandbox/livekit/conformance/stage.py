"""Everything that one flow needs: a server of its own, a tap before it, and players."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from livekit import api

from services.sandbox.livekit.server import DevServer
from services.sandbox.livekit.timings import Timings
from tests.sandbox.livekit.conformance.calls import Calls
from tests.sandbox.livekit.conformance.client import Client
from tests.sandbox.livekit.conformance.hooks import Hooks
from tests.sandbox.livekit.conformance.tap import Tap
from tests.sandbox.livekit.conformance.trace import Trace
from tests.sandbox.livekit.conformance.worker import Answer, Worker
from tests.waiting import until

KEY, SECRET = "devkey", "a secret of thirty-two characters"
_TTL = timedelta(minutes=10)
_T = TypeVar("_T")


class Player(Protocol):
    async def stop(self) -> None: ...


class Picker(random.Random):
    """Chooses the workers that the real server happened to choose."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(0)
        self._trace = trace
        self.wanted: str | None = None
        """Placeholder of a worker id, such as <AW_2>; None leaves it to chance."""

    def choices(self, population: Sequence[_T], *args: Any, **kwargs: Any) -> list[_T]:  # type: ignore[override]
        for worker in population:
            if self._trace.names.text(getattr(worker, "id", "")) == self.wanted:
                return [worker]
        return super().choices(population, *args, **kwargs)


class Stage:
    """`async with Stage() as stage:`; times are those of the recording, in milliseconds."""

    def __init__(self, timings: Timings | None = None) -> None:
        self.trace = Trace()
        self._timings = timings
        self.picker = Picker(self.trace)
        self.hooks = Hooks(self.trace, SECRET)
        self.server: DevServer
        self.tap: Tap
        self.calls: Calls
        self._clients: list[Client] = []
        self._players: list[Player] = []

    async def __aenter__(self) -> "Stage":
        await self.hooks.start()
        self.server = DevServer(
            KEY,
            SECRET,
            webhook_urls=[self.hooks.url],
            timings=self._timings,
            pick=self.picker,
        )
        await self.server.start()
        self.tap = Tap(self.trace, self.server.port)
        await self.tap.start()
        self.calls = Calls(self.trace, self.server.http_url)
        return self

    async def __aexit__(self, *_: object) -> None:
        for player in self._players:
            await player.stop()
        for client in self._clients:
            await client.disconnect()
        await self.calls.stop()
        await self.server.stop()
        await self.tap.stop()
        await self.hooks.stop()

    # Time.

    def begin(self, t_ms: int = 0) -> None:
        self.trace.begin(t_ms)

    async def align(self, t_ms: int) -> None:
        """The room of this flow was created at `t_ms`: its ticks count from there."""
        await self.seen("webhook", "room_started")
        self.trace.align("room_started", t_ms)

    async def at(self, t_ms: int) -> None:
        """Waits until the recording's clock shows `t_ms`."""
        await asyncio.sleep((t_ms - self.trace.now_ms) / 1000)  # the recording says when

    def skip(self, t_ms: int) -> None:
        """Leaves out a stretch in which nothing happens. Ticks of 3 and 5 s set what is safe."""
        self.trace.skip(t_ms)

    async def seen(self, channel: str, kind: str, *, count: int = 1, within: float = 5.0) -> None:
        """Waits for the `count`-th line of this kind; what never comes shows in the comparison."""

        async def enough() -> bool:
            return self.count(channel, kind) >= count

        with suppress(TimeoutError):
            await until(enough, timeout=within)

    def count(self, channel: str, kind: str) -> int:
        return sum(1 for line in self.trace.lines if (line.channel, line.kind) == (channel, kind))

    # Players.

    def token(
        self,
        identity: str,
        room: str,
        *,
        name: str = "",
        metadata: str = "",
        attributes: dict[str, str] | None = None,
        config: api.RoomConfiguration | None = None,
        kind: str = "",
        **grants: Any,
    ) -> str:
        token = api.AccessToken(KEY, SECRET).with_identity(identity).with_ttl(_TTL)
        token = token.with_grants(api.VideoGrants(room_join=True, room=room, **grants))
        if name:
            token = token.with_name(name)
        if metadata:
            token = token.with_metadata(metadata)
        if attributes:
            token = token.with_attributes(attributes)
        if config is not None:
            token = token.with_room_config(config)
        if kind:
            token = token.with_kind(kind)  # type: ignore[arg-type]
        return token.to_jwt()

    def grant(self, **video: Any) -> str:
        """A token of the server API."""
        token = api.AccessToken(KEY, SECRET).with_grants(api.VideoGrants(**video))
        return token.to_jwt()

    async def join(
        self, identity: str, room: str, *, label: str = "", token: str | None = None, **claims: Any
    ) -> Client:
        client = self.client(label or identity)
        await client.connect(self.tap.url, token or self.token(identity, room, **claims))
        return client

    def client(self, label: str) -> Client:
        client = Client(self.trace, label)
        self._clients.append(client)
        return client

    async def worker(
        self, answer: Answer, *, agent_name: str = "test-agent", load: float = 0.0
    ) -> Worker:
        worker = Worker(self.tap.url, self.grant(agent=True), answer)
        self._players.append(worker)
        await worker.start(agent_name, load=load)
        return worker

    def keep(self, player: Player) -> None:
        """Stopped with the stage."""
        self._players.append(player)

    # The server's API.

    async def admin(self, method: str, room: str, **request: Any) -> dict[str, Any]:
        """With roomAdmin of that room, which is part of the request."""
        token = self.grant(room_admin=True, room=room)
        return await self.calls.twirp(method, {"room": room, **request}, token)

    async def delete_room(self, room: str, *, noted: bool = False) -> dict[str, Any]:
        token = self.grant(room_create=True)
        return await self.calls.twirp("RoomService/DeleteRoom", {"room": room}, token, noted=noted)

    async def list_rooms(self, *names: str) -> dict[str, Any]:
        token = self.grant(room_list=True)
        request = {"names": list(names)} if names else {}
        return await self.calls.twirp("RoomService/ListRooms", request, token)

    async def create_room(self, **request: Any) -> dict[str, Any]:
        token = self.grant(room_create=True)
        return await self.calls.twirp("RoomService/CreateRoom", request, token)
