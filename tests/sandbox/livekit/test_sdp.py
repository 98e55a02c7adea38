"""Offers and answers: a wrong line here, and a client hears nothing or gives up."""

import pytest
from aioice import Candidate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.sdp import SessionDescription

from services.sandbox.livekit.sdp import (
    BadOffer,
    SectionAnswer,
    Transport,
    parse_candidate,
    parse_offer,
    write_answer,
)

AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AB:CD
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:- track-id
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=ssrc:77 cname:c
"""
VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AB:CD
a=setup:actpass
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 H265/90000
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
"""
DATA = """m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AB:CD
a=setup:actpass
a=mid:2
a=sctp-port:5000
a=max-message-size:262144
"""
HEAD = "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1 2\n"


def _transport() -> Transport:
    candidate = Candidate("f", 1, "udp", 99, "127.0.0.1", 5555, "host")
    fingerprint = RTCDtlsFingerprint("sha-256", "12:34")
    return Transport("u" * 4, "p" * 22, RTCDtlsParameters([fingerprint], "client"), [candidate])


def test_what_is_read_of_an_offer() -> None:
    """The track of a section, its sources and its codecs decide who is heard."""
    offer = parse_offer(HEAD + AUDIO + VIDEO + DATA)
    audio, video, data = offer.sections
    assert (audio.mid, audio.track_id, audio.ssrcs, audio.sends) == ("0", "track-id", [77], True)
    assert [codec.payloadType for codec in audio.codecs] == [111, 63, 0]
    assert audio.has_red
    assert set(audio.extensions.values()) == {1, 4}
    assert [codec.payloadType for codec in video.codecs] == [96, 97]
    assert not video.sends
    assert offer.data is data
    assert (data.sctp_port, data.max_message) == (5000, 262144)
    assert (offer.username, offer.password) == ("abcd", "0123456789012345678901")


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "nonsense",
        HEAD,
        HEAD + AUDIO.replace("a=fingerprint:sha-256 AB:CD\n", ""),
        HEAD + AUDIO.replace("a=ice-ufrag:abcd\n", ""),
        HEAD + AUDIO.replace("a=setup:actpass", "a=setup:nonsense"),
        HEAD + AUDIO.replace("a=rtpmap:111 opus/48000/2\n", ""),
    ],
)
def test_offers_that_cannot_be_answered(sdp: str) -> None:
    """One client's bad offer must not end its socket with a traceback."""
    with pytest.raises(BadOffer):
        parse_offer(sdp)


def test_the_answer() -> None:
    """Clients tell tracks apart by the msid, and reach the server by the candidates."""
    offer = parse_offer(HEAD + AUDIO.replace("sendonly", "recvonly") + VIDEO + DATA)
    answers = [
        SectionAnswer("sendonly", stream="PA_1|TR_1", track="TR_1", ssrc=42),
        SectionAnswer("inactive"),
        SectionAnswer("inactive"),
    ]
    text = write_answer(offer, answers, _transport())
    assert text.count("a=candidate:f 1 udp 99 127.0.0.1 5555 typ host") == 1
    assert text.count("a=setup:active") == 3
    assert text.count("a=rtcp-rsize") == 2
    assert "transport-cc" not in text
    assert "abs-send-time" not in text
    read = SessionDescription.parse(text)
    assert str(read.group[0]) == "BUNDLE 0 1 2"
    audio, video, data = read.media
    assert (audio.direction, audio.msid) == ("sendonly", "PA_1|TR_1 TR_1")
    assert [(s.ssrc, s.label) for s in audio.ssrc] == [(42, "TR_1")]
    assert text.count("a=ssrc:42 ") == 4
    assert (video.direction, video.msid, video.ssrc) == ("inactive", None, [])
    assert data.sctpCapabilities is not None
    assert data.sctpCapabilities.maxMessageSize == 65535


def test_a_section_that_is_given_up_or_unknown() -> None:
    """A rejected section must be rejected in the answer too, and stay out of the bundle."""
    rejected = AUDIO.replace("m=audio 9", "m=audio 0")
    strange = VIDEO.replace("VP8", "THEORA")
    offer = parse_offer(HEAD + rejected + strange + DATA)
    text = write_answer(offer, [SectionAnswer("inactive")] * 3, _transport())
    read = SessionDescription.parse(text)
    assert str(read.group[0]) == "BUNDLE 1 2"
    assert [media.port for media in read.media] == [0, 0, 9]


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("candidate:1 1 udp 2 192.0.2.1 4444 typ host generation 0", 4444),
        ("candidate:1 1 tcp 2 192.0.2.1 9 typ host tcptype active", None),
        ("candidate:1 1 udp 2 0b1c.local 4444 typ host", None),
        ("", None),
    ],
)
def test_candidates_of_use(text: str, port: int | None) -> None:
    """A browser hides its addresses behind names that nobody here can resolve."""
    candidate = parse_candidate(text)
    assert (candidate.port if candidate is not None else None) == port
