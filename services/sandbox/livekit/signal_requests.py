"""What a client asks over its signal socket, one function a request."""

import time
from collections.abc import Callable
from typing import Any

from livekit.protocol.models import DisconnectReason
from livekit.protocol.rtc import (
    AddTrackRequest,
    LeaveRequest,
    MuteTrackRequest,
    Ping,
    Pong,
    PublishDataTrackRequest,
    RequestResponse,
    SignalRequest,
    SignalResponse,
    SubscriptionPermission,
    SyncState,
    UnpublishDataTrackRequest,
    UpdateDataSubscription,
    UpdateLocalAudioTrack,
    UpdateParticipantMetadata,
    UpdateSubscription,
    UpdateTrackSettings,
)
from loguru import logger

from services.sandbox.livekit import negotiation
from services.sandbox.livekit.audience import Audience
from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.room import Room
from services.sandbox.livekit.simulate import simulate

_NO_METADATA = "does not have permission to update own metadata"


async def handle(room: Room, participant: Participant, request: SignalRequest) -> None:
    """Answer one request; those that this server has no use for are only logged."""
    kind = request.WhichOneof("message")
    if kind is None:
        return
    handler = _HANDLERS.get(kind)
    if handler is not None:
        handler(room, participant, getattr(request, kind))
    elif kind == "offer":
        await negotiation.answer(room, participant, request.offer)
    elif kind == "trickle":
        await negotiation.add_candidate(participant, request.trickle)
    else:
        logger.debug("{}: {} is not handled", participant.identity, kind)


def add_track(_room: Room, participant: Participant, request: AddTrackRequest) -> None:
    participant.publisher.announce(request)


def mute(room: Room, participant: Participant, request: MuteTrackRequest) -> None:
    track = participant.publisher.find(request.sid)
    if track is None or track.info.muted == request.muted:
        return
    track.mute(request.muted)
    room.updates.announce(participant, at_once=True)


def subscription(room: Room, participant: Participant, request: UpdateSubscription) -> None:
    wanted = [*request.track_sids, *(s for p in request.participant_tracks for s in p.track_sids)]
    for track_sid in dict.fromkeys(wanted):
        room.exchange.subscribe(participant, track_sid, wanted=request.subscribe)


def track_setting(_room: Room, participant: Participant, request: UpdateTrackSettings) -> None:
    for track_sid in request.track_sids:
        found = participant.subscriber.subscriptions.get(track_sid)
        if found is not None:
            found.paused = request.disabled
            found.refresh()


def subscription_permission(
    room: Room, participant: Participant, request: SubscriptionPermission
) -> None:
    everybody = request.all_participants
    participant.audience = None if everybody else Audience(request.track_permissions)
    room.exchange.apply_audience(participant)


def publish_data_track(
    room: Room, participant: Participant, request: PublishDataTrackRequest
) -> None:
    room.exchange.publish_data(participant, request)


def unpublish_data_track(
    room: Room, participant: Participant, request: UnpublishDataTrackRequest
) -> None:
    room.exchange.unpublish_data(participant, request)


def update_data_subscription(
    room: Room, participant: Participant, request: UpdateDataSubscription
) -> None:
    room.exchange.subscribe_data(participant, request)


def update_metadata(
    room: Room, participant: Participant, request: UpdateParticipantMetadata
) -> None:
    response = RequestResponse(request_id=request.request_id, update_metadata=request)
    if participant.info.permission.can_update_metadata:
        participant.info.metadata = request.metadata or participant.info.metadata
        participant.info.name = request.name or participant.info.name
        participant.set_attributes(request.attributes)
        room.updates.announce(participant, at_once=True)
    else:
        response.reason = RequestResponse.Reason.NOT_ALLOWED
        response.message = _NO_METADATA
    participant.send(SignalResponse(request_response=response))
    if response.reason == RequestResponse.Reason.OK:
        participant.refresh_token()


def update_audio_track(
    room: Room, participant: Participant, request: UpdateLocalAudioTrack
) -> None:
    track = participant.publisher.find(request.track_sid)
    if track is not None:
        del track.info.audio_features[:]
        track.info.audio_features.extend(request.features)
        room.updates.announce(participant, at_once=True)


def ping(_room: Room, participant: Participant, _timestamp: int) -> None:
    participant.send(SignalResponse(pong=_now_ms()))


def ping_req(_room: Room, participant: Participant, request: Ping) -> None:
    pong = Pong(last_ping_timestamp=request.timestamp, timestamp=_now_ms())
    participant.send(SignalResponse(pong_resp=pong))


def leave(room: Room, participant: Participant, request: LeaveRequest) -> None:
    reason = request.reason or DisconnectReason.CLIENT_INITIATED
    room.remove(participant, reason)


def sync_state(_room: Room, participant: Participant, request: SyncState) -> None:
    """After a resume: what the client switched off stays so."""
    for track_sid in request.track_sids_disabled:
        found = participant.subscriber.subscriptions.get(track_sid)
        if found is not None:
            found.paused = True
            found.refresh()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


_HANDLERS: dict[str, Callable[[Room, Participant, Any], None]] = {
    "add_track": add_track,
    "mute": mute,
    "simulate": simulate,
    "subscription": subscription,
    "track_setting": track_setting,
    "subscription_permission": subscription_permission,
    "publish_data_track_request": publish_data_track,
    "unpublish_data_track_request": unpublish_data_track,
    "update_data_subscription": update_data_subscription,
    "update_metadata": update_metadata,
    "update_audio_track": update_audio_track,
    "ping": ping,
    "ping_req": ping_req,
    "leave": leave,
    "sync_state": sync_state,
}
