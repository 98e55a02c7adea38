"""A published track: what everybody is told of it, where its packets come in, and who gets them."""

import time
from dataclasses import dataclass

from livekit.protocol.models import (
    BackupCodecPolicy,
    SimulcastCodecInfo,
    TimedVersion,
    TrackInfo,
    VideoLayer,
)
from livekit.protocol.rtc import AddTrackRequest

from services.sandbox.livekit.dtls import MediaLink
from services.sandbox.livekit.forwarding import Incoming, Outgoing
from services.sandbox.livekit.peer import Peer
from services.sandbox.livekit.protocol import new_sid
from services.sandbox.livekit.sdp import Section

_DEFAULT_STREAM = "camera"  # what the real server calls the stream of a track without one


class Track:
    """Announced by add_track; live once an offer has brought its section."""

    def __init__(self, owner: Peer, request: AddTrackRequest) -> None:
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


@dataclass(eq=False, slots=True)
class Subscription:
    """A track on its way to one listener, over the listener's link."""

    track: Track
    link: MediaLink
    mid: str | None = None
    """Section that carries it; None until an offer had room for it."""
    copy: Outgoing | None = None
    paused: bool = False
    """Switched off by the listener, who keeps the section."""

    def bind(self, section: Section) -> None:
        self.mid = section.mid
        self.copy = Outgoing(section, self.link.send_rtp)
        self.refresh()

    def refresh(self) -> None:
        """Packets flow when there is a section for them and the listener wants them."""
        incoming = self.track.incoming
        if incoming is None or self.copy is None:
            return
        flowing = self.copy in incoming.copies
        if not self.paused and not flowing:
            incoming.copies.append(self.copy)
        elif self.paused and flowing:
            incoming.copies.remove(self.copy)

    def cut(self) -> None:
        if self.track.incoming is not None and self.copy in self.track.incoming.copies:
            self.track.incoming.copies.remove(self.copy)
        if self in self.track.subscriptions:
            self.track.subscriptions.remove(self)


def _codec(cid: str, *, mime: str = "", mid: str = "") -> SimulcastCodecInfo:
    return SimulcastCodecInfo(
        mime_type=mime,
        mid=mid,
        cid=cid,
        video_layer_mode=VideoLayer.Mode.ONE_SPATIAL_LAYER_PER_STREAM,
    )
