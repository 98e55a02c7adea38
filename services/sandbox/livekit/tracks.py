"""A published track: what everybody is told of it, and where its packets come in."""

import time
from typing import TYPE_CHECKING

from livekit.protocol.models import (
    BackupCodecPolicy,
    SimulcastCodecInfo,
    TimedVersion,
    TrackInfo,
    VideoLayer,
)
from livekit.protocol.rtc import AddTrackRequest

from services.sandbox.livekit.forwarding import Incoming
from services.sandbox.livekit.protocol import new_sid
from services.sandbox.livekit.sdp import Section

if TYPE_CHECKING:
    from services.sandbox.livekit.participant import Participant
    from services.sandbox.livekit.subscribing import Subscription

_DEFAULT_STREAM = "camera"  # what the real server calls the stream of a track without one


class Track:
    """Announced by add_track; live once an offer has brought its section."""

    def __init__(self, owner: "Participant", request: AddTrackRequest) -> None:
        self.owner = owner
        self.cid = request.cid
        self.incoming: Incoming | None = None
        self.subscriptions: list[Subscription] = []
        self.public = False
        """Whether the room knows of it."""
        self.subscribed_told = False
        """Whether the publisher knows that somebody listens."""
        self.info = TrackInfo(
            sid=new_sid("TR_"),
            type=request.type,
            name=request.name,
            source=request.source,
            muted=request.muted,
            disable_dtx=request.disable_dtx,
            disable_red=request.disable_red,
            stereo=request.stereo,
            encryption=request.encryption,
            stream=request.stream or _DEFAULT_STREAM,
            audio_features=request.audio_features,
            backup_codec_policy=BackupCodecPolicy.SIMULCAST,
            codecs=[_codec(request.cid)],
        )

    @property
    def sid(self) -> str:
        return self.info.sid

    def go_live(self, section: Section) -> None:
        """Its section has been offered: from here on packets are expected."""
        mime = "audio/red" if section.has_red and not self.info.disable_red else "audio/opus"
        self.incoming = Incoming(section)
        self.incoming.muted = self.info.muted
        self.info.mid = section.mid
        self.info.mime_type = mime
        self.info.version.CopyFrom(TimedVersion(unix_micro=time.time_ns() // 1000))
        del self.info.codecs[:]
        self.info.codecs.append(_codec(self.cid, mime=mime, mid=section.mid))

    def mute(self, muted: bool) -> None:
        self.info.muted = muted
        if self.incoming is not None:
            self.incoming.muted = muted


def _codec(cid: str, *, mime: str = "", mid: str = "") -> SimulcastCodecInfo:
    return SimulcastCodecInfo(
        mime_type=mime,
        mid=mid,
        cid=cid,
        video_layer_mode=VideoLayer.Mode.ONE_SPATIAL_LAYER_PER_STREAM,
    )
