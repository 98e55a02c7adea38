"""What one participant sends: its tracks, from add_track to the offer that gives them up."""

from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSrPacket
from livekit.protocol.models import TrackType
from livekit.protocol.rtc import (
    AddTrackRequest,
    RequestResponse,
    SignalResponse,
    TrackPublishedResponse,
)

from services.sandbox.livekit import rtp
from services.sandbox.livekit.forwarding import Incoming
from services.sandbox.livekit.grants import may_publish
from services.sandbox.livekit.peer import Peer
from services.sandbox.livekit.sdp import MID_URI, Section, SectionAnswer
from services.sandbox.livekit.tracks import Track

_NO_VIDEO = "this development server carries audio and data, no video"


class Publisher:
    """The sending half of a participant."""

    def __init__(self, owner: Peer) -> None:
        self._owner = owner
        self._announced: list[Track] = []
        self._live: dict[str, Track] = {}  # by mid
        self._by_ssrc: dict[int, Incoming] = {}
        self._mid_id: int | None = None
        self._ever_used: set[str] = set()

    @property
    def tracks(self) -> list[Track]:
        """Those that the room knows of, in the order of their sections."""
        return [track for track in self._live.values() if track.public]

    @property
    def held_back(self) -> list[Track]:
        """Those that have a section, but of which the room does not know yet."""
        return [track for track in self._live.values() if not track.public]

    @property
    def all(self) -> list[Track]:
        return [*self._announced, *self._live.values()]

    def find(self, track_sid: str) -> Track | None:
        return next((track for track in self.all if track.sid == track_sid), None)

    def announce(self, request: AddTrackRequest) -> None:
        """Answer add_track."""
        permission = self._owner.info.permission
        refusal = RequestResponse(reason=RequestResponse.Reason.NOT_ALLOWED, add_track=request)
        if not may_publish(permission, request.source):
            self._owner.send(SignalResponse(request_response=refusal))
            return
        if request.type != TrackType.AUDIO:
            refusal.reason = RequestResponse.Reason.UNSUPPORTED_TYPE
            refusal.message = _NO_VIDEO
            self._owner.send(SignalResponse(request_response=refusal))
            return
        track = next((t for t in self._announced if t.cid == request.cid), None)
        if track is None:
            track = Track(self._owner, request)
            self._announced.append(track)
        self._owner.send(
            SignalResponse(
                track_published=TrackPublishedResponse(cid=request.cid, track=track.info)
            )
        )

    def match(self, sections: list[Section]) -> None:
        """Announced tracks find their sections, and live ones learn of new sources."""
        for section in sections:
            if not section.sends or section.kind != "audio" or section.rejected:
                continue
            track = self._live.get(section.mid) or self._claim(section)
            if track is None or track.incoming is None:
                continue
            self._mid_id = section.extensions.get(MID_URI, self._mid_id)
            for ssrc in section.ssrcs:
                self._by_ssrc[ssrc] = track.incoming

    def _claim(self, section: Section) -> Track | None:
        """The announced track of this section, by its id; else the only one that is waiting."""
        track = next((t for t in self._announced if t.cid == section.track_id), None)
        if track is None and len(self._announced) == 1:
            track = self._announced[0]
        if track is None:
            return None
        self._announced.remove(track)
        track.go_live(section)
        self._live[section.mid] = track
        self._ever_used.add(section.mid)
        return track

    def given_up(self, sections: list[Section]) -> list[Track]:
        """Live tracks whose section does not send any more."""
        sending = {s.mid for s in sections if s.sends and not s.rejected}
        return [track for mid, track in self._live.items() if mid not in sending]

    def remove(self, track: Track) -> bool:
        """Whether it was still there."""
        if track in self._announced:
            self._announced.remove(track)
        if self._live.get(track.info.mid) is not track:
            return False
        del self._live[track.info.mid]
        gone = [ssrc for ssrc, incoming in self._by_ssrc.items() if incoming is track.incoming]
        for ssrc in gone:
            del self._by_ssrc[ssrc]
        return True

    def was_used(self, mid: str) -> bool:
        """Whether this section has ever carried a track of this participant."""
        return mid in self._ever_used

    def answer(self, section: Section) -> SectionAnswer:
        live = section.mid in self._live and section.sends
        return SectionAnswer("recvonly" if live else "inactive")

    def on_rtp(self, data: bytes) -> None:
        packet = rtp.parse(data)
        if packet is None:
            return
        incoming = self._by_ssrc.get(packet.ssrc) or self._by_mid(packet)
        if incoming is not None:
            incoming.receive(packet)

    def _by_mid(self, packet: rtp.RtpPacket) -> Incoming | None:
        """An SSRC that no offer named, by the section id in its first packets."""
        if self._mid_id is None:
            return None
        mid = rtp.extension(packet.extensions, self._mid_id)
        track = self._live.get(mid.decode(errors="replace")) if mid else None
        if track is None or track.incoming is None:
            return None
        self._by_ssrc[packet.ssrc] = track.incoming
        return track.incoming

    def on_rtcp(self, data: bytes) -> None:
        """Sender reports go on to the listeners, in the numbers of their copies."""
        try:
            packets = RtcpPacket.parse(data)
        except ValueError:
            return
        for packet in packets:
            if not isinstance(packet, RtcpSrPacket) or packet.ssrc not in self._by_ssrc:
                continue
            incoming = self._by_ssrc[packet.ssrc]
            incoming.on_sender_report(packet.ssrc, packet.sender_info)
            for track in self._live.values():
                if track.incoming is incoming:
                    _pass_on(track, packet)

    def report(self) -> bytes | None:
        """A receiver report over all live tracks; None when there is nothing to say."""
        reports = [r for t in self._live.values() if t.incoming for r in t.incoming.reports()]
        return bytes(RtcpRrPacket(ssrc=1, reports=reports[:31])) if reports else None


def _pass_on(track: Track, report: RtcpSrPacket) -> None:
    for subscription in track.subscriptions:
        if subscription.copy is not None:
            own = subscription.copy.sender_report(report.sender_info)
            if own is not None:
                subscription.link.send_rtcp(own)
