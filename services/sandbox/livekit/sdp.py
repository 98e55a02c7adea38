"""Offers as the clients make them, and the answers (RFC 8829): the server only ever answers."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

from aioice import Candidate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters, candidate_from_aioice
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpParameters,
)
from aiortc.rtcsctptransport import RTCSctpCapabilities
from aiortc.sdp import (
    GroupDescription,
    MediaDescription,
    SessionDescription,
    SsrcDescription,
    candidate_from_sdp,
    candidate_to_sdp,
)

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

MAX_MESSAGE = 65535
"""Bytes of one data channel message that the server takes."""

_DEFAULT_MESSAGE = 65536  # of a client that does not say (RFC 8841)
_EXTENSIONS = (MID_URI, LEVEL_URI)
_CODECS = {
    "audio": frozenset({"opus", "red", "pcmu", "pcma"}),
    "video": frozenset({"vp8", "vp9", "h264", "av1", "rtx"}),
}


class BadOffer(ValueError):
    """An offer that cannot be answered."""


@dataclass(slots=True)
class Section:
    """One media section of an offer."""

    mid: str
    kind: str
    """audio, video or application."""
    direction: str
    """As the client sees it."""
    rejected: bool
    track_id: str
    """Second half of its msid; empty when there is none."""
    codecs: list[RTCRtpCodecParameters]
    """Those that the server speaks too, in the client's order."""
    extensions: dict[str, int]
    """URI to id of those header extensions that the server knows."""
    ssrcs: list[int]
    sctp_port: int | None
    max_message: int
    """Bytes of one data channel message that the client takes."""

    @property
    def sends(self) -> bool:
        return self.direction in ("sendonly", "sendrecv")

    @property
    def has_red(self) -> bool:
        return any(codec.name.lower() == "red" for codec in self.codecs)


@dataclass(slots=True)
class Offer:
    username: str
    password: str
    fingerprints: list[RTCDtlsFingerprint]
    candidates: list[RTCIceCandidate]
    sections: list[Section]

    @property
    def data(self) -> Section | None:
        """The section of the data channels."""
        return next((s for s in self.sections if s.sctp_port is not None), None)


def parse_offer(sdp: str) -> Offer:
    """Raises BadOffer."""
    try:
        session = SessionDescription.parse(sdp)
    except (ValueError, AssertionError, StopIteration, AttributeError, KeyError) as error:
        # aiortc's parser checks with asserts and next(); what it cannot read, it cannot answer
        raise BadOffer(f"unreadable session description: {error!r}") from error
    first = next((media for media in session.media if media.port), None)
    if first is None or first.dtls is None or not first.dtls.fingerprints:
        raise BadOffer("no media section with a fingerprint")
    username, password = _credentials(first)
    return Offer(
        username=username,
        password=password,
        fingerprints=first.dtls.fingerprints,
        candidates=[c for media in session.media for c in media.ice_candidates if is_usable(c)],
        sections=[_section(media) for media in session.media],
    )


def _credentials(media: MediaDescription) -> tuple[str, str]:
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise BadOffer("no ICE credentials")
    return media.ice.usernameFragment, media.ice.password


def _section(media: MediaDescription) -> Section:
    return Section(
        mid=media.rtp.muxId,
        kind=media.kind,
        direction=media.direction or "sendrecv",
        rejected=media.port == 0,
        track_id=media.msid.split()[-1] if media.msid else "",
        codecs=_common(media),
        extensions={e.uri: e.id for e in media.rtp.headerExtensions if e.uri in _EXTENSIONS},
        ssrcs=[info.ssrc for info in media.ssrc],
        sctp_port=media.sctp_port,
        max_message=media.sctpCapabilities.maxMessageSize
        if media.sctpCapabilities
        else _DEFAULT_MESSAGE,
    )


def _common(media: MediaDescription) -> list[RTCRtpCodecParameters]:
    """A retransmission codec makes sense only beside the codec that it repeats."""
    known = _CODECS.get(media.kind, frozenset())
    codecs = [codec for codec in media.rtp.codecs if codec.name.lower() in known]
    kept = {codec.payloadType for codec in codecs if codec.name.lower() != "rtx"}
    return [c for c in codecs if c.payloadType in kept or c.parameters.get("apt") in kept]


def is_usable(candidate: RTCIceCandidate) -> bool:
    """UDP with an address: a browser's `.local` name is learned from its first check instead."""
    return candidate.protocol.lower() == "udp" and not candidate.ip.endswith(".local")


def parse_candidate(text: str) -> RTCIceCandidate | None:
    """Of a trickle, "candidate:..."; None for one that is of no use, as the empty last one."""
    _, _, value = text.partition("candidate:")
    if len(value.split()) < 8:
        return None
    candidate = candidate_from_sdp(value)
    return candidate if is_usable(candidate) else None


@dataclass(slots=True)
class SectionAnswer:
    """What is said about one section of the offer."""

    direction: str
    stream: str = ""
    """msid: stream and track id of what is sent there; empty when nothing is."""
    track: str = ""
    ssrc: int = 0


@dataclass(slots=True)
class Transport:
    """The server's end, the same for all sections."""

    username: str
    password: str
    dtls: RTCDtlsParameters
    candidates: Sequence[Candidate] = field(default_factory=tuple)


def candidate_line(candidate: Candidate) -> str:
    """As a trickle carries it."""
    return "candidate:" + candidate_to_sdp(candidate_from_aioice(candidate))


def write_answer(offer: Offer, answers: Sequence[SectionAnswer], transport: Transport) -> str:
    """`answers` in the order of the offer's sections."""
    session = SessionDescription()
    session.origin = "- 0 0 IN IP4 127.0.0.1"
    session.type = "answer"
    bundled: list[int | str] = [s.mid for s in offer.sections if not s.rejected]
    session.group = [GroupDescription("BUNDLE", bundled)]
    session.msid_semantic = [GroupDescription("WMS", ["*"])]
    for section, answer in zip(offer.sections, answers, strict=True):
        media = _data(section) if section.kind == "application" else _media(section, answer)
        _describe_transport(media, transport, with_candidates=not session.media)
        session.media.append(media)
    return str(session).replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=rtcp-rsize\r\n")


def _data(section: Section) -> MediaDescription:
    media = MediaDescription("application", 9, "UDP/DTLS/SCTP", ["webrtc-datachannel"])
    media.direction = "sendrecv"
    media.rtp = RTCRtpParameters(muxId=section.mid)
    media.sctp_port = 5000
    media.sctpCapabilities = RTCSctpCapabilities(maxMessageSize=MAX_MESSAGE)
    return media


def _media(section: Section, answer: SectionAnswer) -> MediaDescription:
    codecs = [copy.copy(codec) for codec in section.codecs]
    for codec in codecs:
        codec.rtcpFeedback = []  # nothing is sent again, and nobody's bandwidth is estimated
    refused = section.rejected or not codecs
    formats = [codec.payloadType for codec in codecs] or [0]
    media = MediaDescription(section.kind, 0 if refused else 9, "UDP/TLS/RTP/SAVPF", formats)
    media.direction = "inactive" if refused else answer.direction
    media.rtp = RTCRtpParameters(codecs=codecs, headerExtensions=[], muxId=section.mid)
    media.rtcp_host, media.rtcp_port, media.rtcp_mux = "0.0.0.0", 9, True
    media.rtp.headerExtensions = [
        RTCRtpHeaderExtensionParameters(id=number, uri=uri)
        for uri, number in section.extensions.items()
    ]
    if answer.track:
        media.msid = f"{answer.stream} {answer.track}"
        media.ssrc = [
            SsrcDescription(
                answer.ssrc, answer.stream, media.msid, mslabel=answer.stream, label=answer.track
            )
        ]
    return media


def _describe_transport(
    media: MediaDescription, transport: Transport, *, with_candidates: bool
) -> None:
    media.host = "0.0.0.0"
    media.ice = RTCIceParameters(
        usernameFragment=transport.username, password=transport.password, iceLite=False
    )
    media.dtls = transport.dtls
    if with_candidates:
        media.ice_candidates = [candidate_from_aioice(c) for c in transport.candidates]
        media.ice_candidates_complete = bool(media.ice_candidates)
