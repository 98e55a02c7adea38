"""The way of packets to and from one client: ICE that answers, on this machine's own addresses.

aioice leaves 127.0.0.1 out, which a client on the same machine reaches without the network, and
knows no restart, which every resuming client asks for. Both are added here. Media packets skip
aioice's queue, so that they are forwarded in the turn of the loop in which they arrive.
"""

import asyncio
import time
from collections.abc import Callable

from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, get_host_addresses
from aiortc.rtcicetransport import RTCIceCandidate, candidate_to_aioice
from loguru import logger

LOOPBACK = "127.0.0.1"
_SOCKETS = 8  # at most, for one client: machines with containers have dozens of addresses


def is_media(datagram: bytes) -> bool:
    """Whether it is RTP or RTCP, by its first byte (RFC 7983)."""
    return bool(datagram) and 127 < datagram[0] < 192


def own_addresses() -> list[str]:
    """Loopback first; IPv6 only where there is no other IPv4 address."""
    addresses = get_host_addresses(use_ipv4=True, use_ipv6=False)
    addresses = addresses or get_host_addresses(use_ipv4=False, use_ipv6=True)
    return [LOOPBACK, *addresses][:_SOCKETS]


class _Socket(StunProtocol):
    """One UDP socket: STUN and DTLS as in aioice, media handed on at once."""

    def __init__(self, connection: "_Connection") -> None:
        super().__init__(connection)
        self._connection = connection

    def datagram_received(self, data: bytes | str, addr: tuple[str, int]) -> None:
        datagram = data if isinstance(data, bytes) else data.encode()
        self._connection.heard()
        if is_media(datagram):
            self._connection.on_media(datagram)
        else:
            super().datagram_received(datagram, addr)


class _Connection(Connection):
    def __init__(self, on_heard: Callable[[], None], on_media: Callable[[bytes], None]) -> None:
        super().__init__(ice_controlling=False, use_ipv6=False)
        self.heard = on_heard
        self.on_media = on_media

    async def gather_candidates(self) -> None:
        """A socket on loopback, which is preferred, and one on each address of the machine."""
        self._local_candidates_start = True
        loop = asyncio.get_running_loop()
        for place, address in enumerate(own_addresses()):
            try:
                _, protocol = await loop.create_datagram_endpoint(
                    lambda: _Socket(self), local_addr=(address, 0)
                )
            except OSError:  # an address that went away, or one that cannot be bound
                continue
            port = protocol.transport.get_extra_info("sockname")[1]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", address),
                component=1,
                transport="udp",
                priority=candidate_priority(1, "host", 65535 - place),
                host=address,
                port=port,
                type="host",
            )
            self._protocols.append(protocol)
            self._local_candidates.append(protocol.local_candidate)
        self._local_candidates_end = True

    def send_now(self, datagram: bytes) -> None:
        """Without a coroutine, for media, which is dropped while there is no path."""
        pair = self._nominated.get(1)
        if pair is not None and not pair.protocol.transport.is_closing():
            pair.protocol.transport.sendto(datagram, pair.remote_addr)


class IceLink:
    """What aiortc's DTLS expects of an RTCIceTransport, over a connection that can be replaced."""

    role = "controlled"

    def __init__(self, on_media: Callable[[bytes], None]) -> None:
        self._on_media = on_media
        self._current = self._make()
        self._newest = self._current
        self._remote: tuple[str, str] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False
        self.up = asyncio.Event()
        """Set once there is a path, the first or any other."""
        self.last_heard: float | None = None
        """Monotonic time of the last datagram of any kind; None before the first."""

    def _make(self) -> _Connection:
        return _Connection(self._heard, self._on_media)

    def _heard(self) -> None:
        self.last_heard = time.monotonic()

    async def gather(self) -> None:
        await self._newest.gather_candidates()

    @property
    def local(self) -> tuple[str, str]:
        """The username fragment and the password that the next answer must carry."""
        return self._newest.local_username, self._newest.local_password

    @property
    def candidates(self) -> list[Candidate]:
        return self._newest.local_candidates

    def is_restart(self, username: str, password: str) -> bool:
        """Whether an offer with these credentials asks for a new connection."""
        return self._remote is not None and self._remote != (username, password)

    async def restart(self) -> None:
        """A new connection is made beside the present one, which carries on until it is up."""
        if self._newest is not self._current:
            await self._newest.close()
        self._newest = self._make()
        await self._newest.gather_candidates()

    def connect(self, username: str, password: str) -> None:
        """Start checking, in place of whatever checks still go on."""
        self._remote = (username, password)
        self._newest.remote_username, self._newest.remote_password = username, password
        if self._connecting is not None:
            self._connecting.cancel()
        self._connecting = asyncio.create_task(self._connect(self._newest))

    async def _connect(self, connection: _Connection) -> None:
        try:
            await connection.connect()
        except ConnectionError as error:  # closed meanwhile
            logger.debug("no path: {}", error)
            return
        replaced, self._current = self._current, connection
        self.up.set()
        if replaced is not connection:
            await replaced.close()

    async def add_remote(self, candidate: RTCIceCandidate) -> None:
        await self._newest.add_remote_candidate(candidate_to_aioice(candidate))

    async def _recv(self) -> bytes:
        """For DTLS. Raises ConnectionError when the link is closed."""
        while True:
            connection = self._current
            try:
                return await connection.recv()
            except ConnectionError:
                if self._closed or connection is self._current:
                    raise

    async def _send(self, data: bytes) -> None:
        await self._current.send(data)

    def send_media(self, datagram: bytes) -> None:
        self._current.send_now(datagram)

    async def close(self) -> None:
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        await self._current.close()
        if self._newest is not self._current:
            await self._newest.close()
