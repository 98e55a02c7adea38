"""What happens in rooms, posted to the webhook addresses: in order, signed, with retries."""

import asyncio
import base64
import hashlib
from collections.abc import Callable, Sequence

import aiohttp
from google.protobuf.json_format import MessageToJson
from livekit.protocol.models import ParticipantInfo, Room, TrackInfo
from livekit.protocol.webhook import WebhookEvent
from loguru import logger

from services.sandbox.livekit.grants import Authority
from services.sandbox.livekit.protocol import new_sid
from shared.clock import Clock

CONTENT_TYPE = "application/webhook+json"
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_PAUSES = (0.1, 0.5, 2.0)  # seconds before the second, third and fourth try
_SIGNATURE_LIFETIME = 300  # seconds
_BACKLOG = 1000  # events that wait for one receiver; the oldest are dropped and counted


class Webhooks:
    """One queue and one task a receiver, so that a slow one delays nobody else."""

    def __init__(self, urls: Sequence[str], authority: Authority, clock: Clock) -> None:
        self._authority = authority
        self._clock = clock
        self._receivers = [_Receiver(url, self._sign) for url in urls]

    async def start(self) -> None:
        for receiver in self._receivers:
            receiver.start()

    async def stop(self) -> None:
        """What is queued is still sent, each once."""
        await asyncio.gather(*(receiver.stop() for receiver in self._receivers))

    def room(self, event: str, room: Room) -> None:
        self._post(WebhookEvent(event=event, room=room))

    def participant(self, event: str, room: Room, participant: ParticipantInfo) -> None:
        info = ParticipantInfo()
        info.CopyFrom(participant)
        del info.tracks[:]
        self._post(WebhookEvent(event=event, room=room, participant=info))

    def track(self, event: str, room: Room, owner: ParticipantInfo, track: TrackInfo) -> None:
        """Room and participant are cut to what identifies them."""
        self._post(
            WebhookEvent(
                event=event,
                room=Room(sid=room.sid, name=room.name),
                participant=ParticipantInfo(sid=owner.sid, identity=owner.identity),
                track=track,
            )
        )

    def _post(self, event: WebhookEvent) -> None:
        event.id = new_sid("EV_")
        event.created_at = int(self._clock.now().timestamp())
        body = MessageToJson(event, indent=None).encode()
        for receiver in self._receivers:
            receiver.queue(body)

    def _sign(self, body: bytes) -> str:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return self._authority.sign({"sha256": digest}, lifetime=_SIGNATURE_LIFETIME)


class _Receiver:
    def __init__(self, url: str, sign: Callable[[bytes], str]) -> None:
        self._url = url
        self._sign = sign
        self._bodies: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._stopping = True
        self._bodies.put_nowait(None)
        if self._task is not None:
            await self._task

    def queue(self, body: bytes) -> None:
        if self._bodies.qsize() >= _BACKLOG:
            self._bodies.get_nowait()
            logger.warning("{} is too slow: a webhook was dropped", self._url)
        self._bodies.put_nowait(body)

    async def _run(self) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while (body := await self._bodies.get()) is not None:
                await self._deliver(session, body)

    async def _deliver(self, session: aiohttp.ClientSession, body: bytes) -> None:
        for pause in (*_PAUSES, None):
            if await self._try(session, body) or pause is None or self._stopping:
                return
            await asyncio.sleep(pause)

    async def _try(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        headers = {"Authorization": self._sign(body), "Content-Type": CONTENT_TYPE}
        try:
            async with session.post(self._url, data=body, headers=headers) as response:
                if response.status < 500:
                    return True
                logger.warning("webhook to {}: status {}", self._url, response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("webhook to {}: {!r}", self._url, error)
        return False
