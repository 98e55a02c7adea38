"""Data tracks: named streams of small frames, published and subscribed to like audio.

Frames travel on the clients' `_data_track` channel. Each carries a 16-bit handle that its sender
chose; every subscriber gets a handle of its own, which the server writes into the copy for it.
"""

from dataclasses import dataclass, field

from livekit.protocol.models import DataTrackInfo
from livekit.protocol.rtc import (
    DataTrackSubscriberHandles,
    PublishDataTrackRequest,
    PublishDataTrackResponse,
    RequestResponse,
    SignalResponse,
    UnpublishDataTrackRequest,
    UnpublishDataTrackResponse,
)

from services.sandbox.livekit.data import TRACKS, Channels
from services.sandbox.livekit.peer import Peer
from services.sandbox.livekit.protocol import new_sid

_HEADER = 12  # bytes; the handle stands in the third and fourth
_LONGEST_NAME = 256

Reason = RequestResponse.Reason


@dataclass(eq=False, slots=True)
class DataTrack:
    owner: Peer
    info: DataTrackInfo
    handles: dict["DataTracks", int] = field(default_factory=dict)
    """By those who are subscribed."""


class DataTracks:
    """Of one participant: the data tracks that it publishes, and those it is subscribed to."""

    def __init__(self, owner: Peer, channels: Channels) -> None:
        self._owner = owner
        self._channels = channels
        self._published: dict[int, DataTrack] = {}  # by the publisher's handle
        self._subscribed: dict[int, DataTrack] = {}  # by this participant's handle
        self._last_handle = 0

    @property
    def published(self) -> list[DataTrack]:
        return list(self._published.values())

    def publish(self, request: PublishDataTrackRequest) -> DataTrack | None:
        """None when it was refused, which the client has been told."""
        refused = self._refusal(request)
        if refused is not None:
            response = RequestResponse(reason=refused, publish_data_track=request)
            self._owner.send(SignalResponse(request_response=response))
            return None
        info = DataTrackInfo(
            pub_handle=request.pub_handle,
            sid=new_sid("DTR_"),
            name=request.name,
            encryption=request.encryption,
            frame_encoding=request.frame_encoding,
        )
        if request.HasField("schema"):
            info.schema.CopyFrom(request.schema)
        track = DataTrack(self._owner, info)
        self._published[request.pub_handle] = track
        published = PublishDataTrackResponse(info=info)
        self._owner.send(SignalResponse(publish_data_track_response=published))
        return track

    def _refusal(self, request: PublishDataTrackRequest) -> Reason | None:
        if not self._owner.info.permission.can_publish_data:
            return Reason.NOT_ALLOWED
        if not 0 < request.pub_handle <= 0xFFFF:
            return Reason.INVALID_HANDLE
        if request.pub_handle in self._published:
            return Reason.DUPLICATE_HANDLE
        if not 0 < len(request.name) <= _LONGEST_NAME:
            return Reason.INVALID_NAME
        if any(track.info.name == request.name for track in self._published.values()):
            return Reason.DUPLICATE_NAME
        return None

    def unpublish(self, request: UnpublishDataTrackRequest) -> bool:
        """Whether there was such a track."""
        track = self._published.pop(request.pub_handle, None)
        if track is None:
            response = RequestResponse(reason=Reason.NOT_FOUND, unpublish_data_track=request)
            self._owner.send(SignalResponse(request_response=response))
            return False
        _forget(track)
        unpublished = UnpublishDataTrackResponse(info=track.info)
        self._owner.send(SignalResponse(unpublish_data_track_response=unpublished))
        return True

    def subscribe(self, track: DataTrack) -> None:
        """The subscriber is told its handle; asking again tells it again."""
        handle = track.handles.get(self)
        if handle is None:
            self._last_handle += 1
            handle = track.handles[self] = self._last_handle
            self._subscribed[handle] = track
        message = DataTrackSubscriberHandles()
        entry = message.sub_handles[handle]
        entry.publisher_identity = track.owner.identity
        entry.publisher_sid = track.owner.sid
        entry.track_sid = track.info.sid
        self._owner.send(SignalResponse(data_track_subscriber_handles=message))

    def unsubscribe(self, track: DataTrack) -> None:
        handle = track.handles.pop(self, None)
        if handle is not None:
            self._subscribed.pop(handle, None)

    def forward(self, frame: bytes) -> None:
        """A frame that this participant has sent."""
        if len(frame) < _HEADER or not self._owner.info.permission.can_publish_data:
            return
        track = self._published.get(int.from_bytes(frame[2:4]))
        if track is None:
            return
        for subscriber, handle in track.handles.items():
            own = frame[:2] + handle.to_bytes(2) + frame[4:]
            subscriber.deliver(own)

    def deliver(self, frame: bytes) -> None:
        """A frame for this participant."""
        self._channels.deliver(TRACKS, frame)

    def close(self) -> None:
        for track in self._published.values():
            _forget(track)
        self._published.clear()
        for track in list(self._subscribed.values()):
            self.unsubscribe(track)


def _forget(track: DataTrack) -> None:
    for subscriber in list(track.handles):
        subscriber.unsubscribe(track)
