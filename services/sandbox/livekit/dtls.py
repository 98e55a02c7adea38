# ruff: noqa: SLF001 - aiortc keeps its SRTP sessions private; the version is pinned
"""DTLS, SRTP and the data channels over one IceLink: all that is encrypted.

aiortc would decode every audio packet and encode it again for every listener. Here its RTP half is
left unused: packets are decrypted, handed on, and encrypted again for whoever listens.
"""

import asyncio
from typing import Protocol, cast

import pylibsrtp
from aiortc.rtcdatachannel import RTCDataChannel
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from aiortc.rtp import is_rtcp
from loguru import logger

from services.sandbox.livekit.ice import IceLink
from services.sandbox.livekit.sdp import Offer, Transport


class LinkEvents(Protocol):
    """What a link tells its owner; called in the turn of the loop in which it happens."""

    def on_connected(self) -> None: ...

    def on_rtp(self, packet: bytes) -> None: ...

    def on_rtcp(self, packet: bytes) -> None: ...

    def on_channel(self, channel: RTCDataChannel) -> None: ...


class MediaLink:
    """One client's transport: bundled media and data over a single path."""

    def __init__(self, certificate: RTCCertificate, events: LinkEvents) -> None:
        self.ice = IceLink(self._on_media)
        self._events = events
        self._dtls = RTCDtlsTransport(cast("RTCIceTransport", self.ice), [certificate])
        self._dtls._set_role("client")  # every answer says a=setup:active
        self._sctp = RTCSctpTransport(self._dtls)
        self._sctp.on("datachannel", events.on_channel)
        self._start: asyncio.Task[None] | None = None
        self.connected = False
        """Whether media can flow."""

    @property
    def transport(self) -> Transport:
        """The server's end, as the next answer must describe it."""
        username, password = self.ice.local
        fingerprints = self._dtls.getLocalParameters().fingerprints
        return Transport(
            username=username,
            password=password,
            dtls=RTCDtlsParameters(
                [f for f in fingerprints if f.algorithm == "sha-256"], role="client"
            ),
            candidates=self.ice.candidates,
        )

    async def accept(self, offer: Offer) -> None:
        """Gather addresses at the first offer and at an ICE restart, and start connecting."""
        if self._start is None:
            await self.ice.gather()
            self.ice.connect(offer.username, offer.password)
            self._start = asyncio.create_task(self._connect(offer))
        elif self.ice.is_restart(offer.username, offer.password):
            await self.ice.restart()
            self.ice.connect(offer.username, offer.password)
        for candidate in offer.candidates:
            await self.ice.add_remote(candidate)

    async def _connect(self, offer: Offer) -> None:
        await self.ice.up.wait()
        await self._dtls.start(RTCDtlsParameters(offer.fingerprints, role="server"))
        self.connected = self._dtls.state == "connected"
        if not self.connected:
            logger.warning("DTLS handshake failed")
            return
        if offer.data is not None and offer.data.sctp_port is not None:
            capabilities = RTCSctpCapabilities(maxMessageSize=offer.data.max_message)
            await self._sctp.start(capabilities, offer.data.sctp_port)
        self._events.on_connected()

    def _on_media(self, datagram: bytes) -> None:
        if not self.connected:
            return
        try:
            if is_rtcp(datagram):
                self._events.on_rtcp(self._dtls._rx_srtp.unprotect_rtcp(datagram))
            else:
                self._events.on_rtp(self._dtls._rx_srtp.unprotect(datagram))
        except pylibsrtp.Error:  # a replay, or a packet of somebody else
            return

    def send_rtp(self, packet: bytes) -> None:
        if self.connected:
            self.ice.send_media(self._dtls._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        if self.connected:
            self.ice.send_media(self._dtls._tx_srtp.protect_rtcp(packet))

    async def close(self) -> None:
        self.connected = False
        if self._start is not None:
            self._start.cancel()
        await self._sctp.stop()
        await self._dtls.stop()
        await self.ice.close()
