"""RoomService: rooms and participants, seen and changed from outside."""

import asyncio
from collections.abc import Mapping

from google.protobuf.message import Message
from livekit.protocol.models import DataPacket, DisconnectReason, UserPacket
from livekit.protocol.room import (
    CreateRoomRequest,
    DeleteRoomRequest,
    DeleteRoomResponse,
    ForwardParticipantRequest,
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    MoveParticipantRequest,
    MuteRoomTrackRequest,
    MuteRoomTrackResponse,
    PerformRpcRequest,
    RemoveParticipantResponse,
    RoomConfiguration,
    RoomParticipantIdentity,
    SendDataRequest,
    SendDataResponse,
    UpdateParticipantRequest,
    UpdateRoomMetadataRequest,
    UpdateSubscriptionsRequest,
    UpdateSubscriptionsResponse,
)

from services.sandbox.livekit import moderation
from services.sandbox.livekit.data import LOSSY, RELIABLE
from services.sandbox.livekit.errors import TwirpError
from services.sandbox.livekit.grants import Token
from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.room import Room
from services.sandbox.livekit.rooms import Rooms
from services.sandbox.livekit.timings import Timings
from services.sandbox.livekit.twirp import Method, denied, left_out, not_found, unavailable

_NO_ROOM = "requested room does not exist"
_NO_PARTICIPANT = "participant does not exist"
_NO_TRACK = "track is not found"


class RoomService:
    """Each method checks its own grant: roomCreate, roomList, or roomAdmin for the room."""

    def __init__(self, rooms: Rooms, timings: Timings) -> None:
        self._rooms = rooms
        self._timings = timings

    @property
    def methods(self) -> Mapping[str, Method]:
        return {
            "CreateRoom": Method(CreateRoomRequest, self._create_room),
            "ListRooms": Method(ListRoomsRequest, self._list_rooms),
            "DeleteRoom": Method(DeleteRoomRequest, self._delete_room),
            "ListParticipants": Method(ListParticipantsRequest, self._list_participants),
            "GetParticipant": Method(RoomParticipantIdentity, self._get_participant),
            "RemoveParticipant": Method(RoomParticipantIdentity, self._remove_participant),
            "MutePublishedTrack": Method(MuteRoomTrackRequest, self._mute_track),
            "UpdateParticipant": Method(UpdateParticipantRequest, self._update_participant),
            "UpdateSubscriptions": Method(UpdateSubscriptionsRequest, self._update_subscriptions),
            "SendData": Method(SendDataRequest, self._send_data),
            "UpdateRoomMetadata": Method(UpdateRoomMetadataRequest, self._update_room_metadata),
            "ForwardParticipant": Method(ForwardParticipantRequest, self._left_out),
            "MoveParticipant": Method(MoveParticipantRequest, self._left_out),
            "PerformRpc": Method(PerformRpcRequest, self._left_out),
        }

    async def _create_room(self, token: Token, request: CreateRoomRequest) -> Message:
        if not token.may("roomCreate"):
            raise denied()
        config = RoomConfiguration(
            empty_timeout=request.empty_timeout,
            departure_timeout=request.departure_timeout,
            max_participants=request.max_participants,
            metadata=request.metadata,
            agents=request.agents,
        )
        return self._rooms.get_or_create(request.name, config).info

    async def _list_rooms(self, token: Token, request: ListRoomsRequest) -> Message:
        if not token.may("roomList"):
            raise denied()
        wanted = set(request.names)
        rooms = [r.info for r in self._rooms.all() if not wanted or r.name in wanted]
        return ListRoomsResponse(rooms=rooms)

    async def _delete_room(self, token: Token, request: DeleteRoomRequest) -> Message:
        if not token.may("roomCreate"):
            raise denied()
        room = self._rooms.get(request.room)
        if room is None:
            raise not_found(_NO_ROOM)
        room.close(DisconnectReason.ROOM_DELETED)
        return DeleteRoomResponse()

    async def _list_participants(self, token: Token, request: ListParticipantsRequest) -> Message:
        """An unknown room is an empty one."""
        _administers(token, request.room)
        room = self._rooms.get(request.room)
        present = room.participants.values() if room is not None else ()
        return ListParticipantsResponse(participants=[p.info for p in present])

    async def _get_participant(self, token: Token, request: RoomParticipantIdentity) -> Message:
        return self._participant(token, request.room, request.identity)[1].info

    async def _remove_participant(self, token: Token, request: RoomParticipantIdentity) -> Message:
        room, participant = self._participant(token, request.room, request.identity)
        room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED)
        return RemoveParticipantResponse()

    async def _mute_track(self, token: Token, request: MuteRoomTrackRequest) -> Message:
        room, participant = self._participant(token, request.room, request.identity)
        track = participant.publisher.find(request.track_sid)
        if track is None:
            raise not_found(_NO_TRACK)
        if not request.muted:
            message = "twirp error unknown: remote unmute not enabled"
            raise TwirpError("failed_precondition", message, 412)
        moderation.mute(room, participant, track)
        return MuteRoomTrackResponse(track=track.info)

    async def _update_participant(self, token: Token, request: UpdateParticipantRequest) -> Message:
        room, participant = self._participant(token, request.room, request.identity)
        moderation.update(room, participant, request)
        return participant.info

    async def _update_subscriptions(
        self, token: Token, request: UpdateSubscriptionsRequest
    ) -> Message:
        room, participant = self._participant(token, request.room, request.identity)
        wanted = [
            *request.track_sids,
            *(s for p in request.participant_tracks for s in p.track_sids),
        ]
        for track_sid in dict.fromkeys(wanted):
            room.exchange.subscribe(participant, track_sid, wanted=request.subscribe)
        return UpdateSubscriptionsResponse()

    async def _send_data(self, token: Token, request: SendDataRequest) -> Message:
        room = await self._existing(token, request.room)
        packet = DataPacket(
            kind=request.kind,
            destination_identities=request.destination_identities,
            user=UserPacket(
                payload=request.data,
                destination_sids=request.destination_sids,
                destination_identities=request.destination_identities,
                nonce=request.nonce,
            ),
        )
        if request.HasField("topic"):
            packet.user.topic = request.topic
        lossy = request.kind == DataPacket.Kind.LOSSY
        room.relay(packet, LOSSY if lossy else RELIABLE, sender=None)
        return SendDataResponse()

    async def _update_room_metadata(
        self, token: Token, request: UpdateRoomMetadataRequest
    ) -> Message:
        _administers(token, request.room)
        room = self._rooms.get(request.room)
        if room is None:
            raise not_found(_NO_ROOM)
        room.update_metadata(request.metadata)
        return room.info

    async def _left_out(self, _token: Token, _request: Message) -> Message:
        raise left_out()

    def _participant(self, token: Token, room_name: str, identity: str) -> tuple[Room, Participant]:
        _administers(token, room_name)
        room = self._rooms.get(room_name)
        participant = room.participants.get(identity) if room is not None else None
        if room is None or participant is None:
            raise not_found(_NO_PARTICIPANT)
        return room, participant

    async def _existing(self, token: Token, room_name: str) -> Room:
        """The real server waits for a node to answer before it says that there is none."""
        _administers(token, room_name)
        room = self._rooms.get(room_name)
        if room is None:
            await asyncio.sleep(self._timings.unknown_room)
            raise unavailable()
        return room


def _administers(token: Token, room: str) -> None:
    if not token.administers(room):
        raise denied()
