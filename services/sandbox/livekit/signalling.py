"""The signal socket /rtc/v1: who may join, what joining and resuming say, then the requests."""

import base64
import binascii
import gzip
import secrets
import zlib
from typing import NoReturn

from aiohttp import WSMsgType, web
from aiortc.rtcdtlstransport import RTCCertificate
from google.protobuf.message import DecodeError
from livekit.protocol.models import DisconnectReason
from livekit.protocol.rtc import (
    JoinRequest,
    JoinResponse,
    LeaveRequest,
    ReconnectResponse,
    RoomUpdate,
    SignalRequest,
    SignalResponse,
    WrappedJoinRequest,
)
from loguru import logger

from services.sandbox.livekit import negotiation, signal_requests
from services.sandbox.livekit.errors import Refusal
from services.sandbox.livekit.grants import Authority, Token
from services.sandbox.livekit.outbox import Outbox
from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.peer import State, describe
from services.sandbox.livekit.protocol import (
    PING_INTERVAL,
    PING_TIMEOUT,
    VERSION,
    audio_codecs,
    server_info,
)
from services.sandbox.livekit.room import Room
from services.sandbox.livekit.rooms import Rooms
from shared.clock import Clock

_JOIN_TRIES = 3  # of the real server inside one join, before it says that the room is full


class Signalling:
    def __init__(self, rooms: Rooms, authority: Authority, clock: Clock, node_id: str) -> None:
        self._rooms = rooms
        self._authority = authority
        self._clock = clock
        self._node_id = node_id
        self._trailer = secrets.token_bytes(24)  # would mark frames that the server makes up
        # One for all: making a key takes longer than the rest of a join.
        self._certificate = RTCCertificate.generateCertificate()

    async def validate(self, request: web.Request) -> web.Response:
        """`success`, or the refusal that the socket would have given."""
        self._admit(request)
        return web.Response(text="success")

    async def validate_older(self, request: web.Request) -> web.Response:
        """The same for /rtc/validate, whose query carries no join request."""
        self._admit_token(request)
        return web.Response(text="success")

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """A client's socket, until it closes."""
        if not web.WebSocketResponse().can_prepare(request):
            return web.Response(status=404)
        token, join = self._admit(request)
        if join.reconnect:
            return await self._resume(request, token, join)
        room = self._rooms.get_or_create(token.room, token.room_config)
        if room.is_full_for(token):
            self._refuse(room, token, join)
        socket = await _upgrade(request)
        outbox = Outbox(socket)
        # The room may have filled, or ended, while the socket was being opened.
        room = self._rooms.get_or_create(token.room, token.room_config)
        if room.is_full_for(token):
            return await _send_away(socket, outbox, DisconnectReason.JOIN_FAILURE)
        participant = self._enter(room, token, join, outbox)
        await self._serve(room, participant, socket, outbox, join)
        return socket

    def _admit(self, request: web.Request) -> tuple[Token, JoinRequest]:
        """Raises Refusal."""
        return self._admit_token(request), _join_request(request)

    def _admit_token(self, request: web.Request) -> Token:
        token = self._authority.verify(bearer(request))
        if not token.may("roomJoin"):
            raise Refusal(401, "permissions denied")
        if not token.room:
            raise Refusal(400, "no room name")
        if not token.identity:
            raise Refusal(400, "identity cannot be empty")
        return token

    def _refuse(self, room: Room, token: Token, join: JoinRequest) -> NoReturn:
        """The room is full: those inside learn of each try."""
        for _ in range(_JOIN_TRIES):
            info = describe(token, join.client_info, self._clock.now().timestamp())
            info.state, info.version = State.DISCONNECTED, 1
            info.disconnect_reason = DisconnectReason.JOIN_FAILURE
            room.updates.send([info])
        raise Refusal(500, "connection closed by media")

    def _enter(self, room: Room, token: Token, join: JoinRequest, outbox: Outbox) -> Participant:
        former = room.participants.get(token.identity)
        if former is not None:
            room.remove(former, DisconnectReason.DUPLICATE_IDENTITY)
        participant = Participant(
            room,
            token,
            describe(token, join.client_info, self._clock.now().timestamp()),
            authority=self._authority,
            certificate=self._certificate,
            settings=join.connection_settings,
        )
        if participant.info.permission.can_update_metadata:
            participant.info.metadata = join.metadata or participant.info.metadata
            participant.set_attributes(join.participant_attributes)
        participant.attach(outbox)
        participant.send(
            SignalResponse(
                join=JoinResponse(
                    room=room.info,
                    participant=participant.info,
                    other_participants=room.roster.visible_to(participant),
                    server_version=VERSION,
                    server_info=server_info(self._node_id),
                    ping_interval=PING_INTERVAL,
                    ping_timeout=PING_TIMEOUT,
                    sif_trailer=self._trailer,
                    enabled_publish_codecs=audio_codecs(),
                    fast_publish=participant.info.permission.can_publish,
                )
            )
        )
        participant.refresh_token()
        room.add(participant)
        logger.info("{} joins {}", participant.identity, room.name)
        return participant

    async def _resume(
        self, request: web.Request, token: Token, join: JoinRequest
    ) -> web.StreamResponse:
        """The same participant on a new socket; one that is not known any more has to join anew."""
        socket = await _upgrade(request)
        outbox = Outbox(socket)
        room = self._rooms.get(token.room)
        participant = room.participants.get(token.identity) if room is not None else None
        if room is None or participant is None or participant.sid != join.participant_sid:
            return await _send_away(
                socket, outbox, DisconnectReason.STATE_MISMATCH, LeaveRequest.Action.RECONNECT
            )
        participant.attach(outbox)
        if participant.drop_next_resume:
            participant.drop_next_resume = False
            participant.lose_socket()
        reconnect = ReconnectResponse(
            server_info=server_info(self._node_id),
            last_message_seq=participant.last_sequence,
        )
        participant.send(SignalResponse(reconnect=reconnect))
        participant.send_update(*room.roster.visible_to(participant), participant.info)
        participant.send(SignalResponse(room_update=RoomUpdate(room=room.info)))
        participant.refresh_token()
        logger.info("{} resumes in {}", participant.identity, room.name)
        await self._serve(room, participant, socket, outbox, JoinRequest())
        return socket

    async def _serve(
        self,
        room: Room,
        participant: Participant,
        socket: web.WebSocketResponse,
        outbox: Outbox,
        join: JoinRequest,
    ) -> None:
        try:
            await _first_requests(room, participant, join)
            async for message in socket:
                if message.type != WSMsgType.BINARY:
                    continue
                try:
                    request = SignalRequest.FromString(message.data)
                except DecodeError:
                    logger.warning("{}: unreadable request", participant.identity)
                    continue
                await signal_requests.handle(room, participant, request)
                if participant.gone:
                    # A leaving client closes at once; reading on would answer that first.
                    await outbox.flush()
        finally:
            participant.detach(outbox)
            await outbox.end()
            if not participant.gone and participant.link.ice.last_heard is None:
                # never had media, and now has no signal either
                room.remove(participant, DisconnectReason.SIGNAL_CLOSE)


async def _send_away(
    socket: web.WebSocketResponse,
    outbox: Outbox,
    reason: DisconnectReason,
    action: LeaveRequest.Action = LeaveRequest.Action.DISCONNECT,
) -> web.WebSocketResponse:
    leave = SignalResponse(leave=LeaveRequest(reason=reason, action=action))
    outbox.send(leave.SerializeToString())
    outbox.close()
    await outbox.flush()
    await outbox.end()
    return socket


async def _first_requests(room: Room, participant: Participant, join: JoinRequest) -> None:
    """What the join request has brought with it."""
    for track in join.add_track_requests:
        signal_requests.add_track(room, participant, track)
    if join.HasField("publisher_offer"):
        await negotiation.answer(room, participant, join.publisher_offer)


async def _upgrade(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    return socket


def bearer(request: web.Request) -> str:
    """The token of a request, from its header or its query."""
    if "access_token" in request.query:
        return request.query["access_token"]
    header = request.headers.get("Authorization", "")
    if not header.startswith("Bearer "):
        if header:
            raise Refusal(401, "invalid authorization header. Must start with Bearer ")
        return ""
    return header.removeprefix("Bearer ")


def _join_request(request: web.Request) -> JoinRequest:
    encoded = request.query.get("join_request", "")
    if not encoded:
        raise Refusal(400, "join_request is required")
    try:
        standard = encoded.replace("-", "+").replace("_", "/").rstrip("=")
        raw = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        wrapped = WrappedJoinRequest.FromString(raw)
        message = wrapped.join_request
        if wrapped.compression == WrappedJoinRequest.Compression.GZIP:
            message = gzip.decompress(message)
        return JoinRequest.FromString(message)
    except (binascii.Error, DecodeError, zlib.error, OSError, EOFError) as error:
        raise Refusal(400, "cannot read join_request") from error
