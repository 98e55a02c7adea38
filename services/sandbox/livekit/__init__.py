"""A LiveKit server for development and tests, on this machine alone. Simulated, and it says so.

It speaks the wire protocol of livekit-server 1.13.5 as far as audio, data, agents and the server
API need it, so that clients that know its signal socket /rtc/v1 (livekit 1.1, livekit-client 2.23
and later) and agent workers can be pointed at it: /rtc/v1 (one peer connection), the worker socket
/agent, RoomService and AgentDispatchService over Twirp, and webhooks.

Left out on purpose, and refused rather than half done:

- video and simulcast: add_track of video is answered with request_response UNSUPPORTED_TYPE;
- several nodes, Redis, TURN, and ICE over TCP: there is one process and one machine;
- the older signal path /rtc with its two peer connections: 404, and so are clients that know no
  other, or are told to use two;
- egress, ingress, SIP, and RoomService's ForwardParticipant, MoveParticipant and PerformRpc.

End-to-end encrypted media and data pass through untouched, like any other payload. Otherwise it
does as the recordings in tests/sandbox/livekit/golden say; "rule 20" and the like are the rules
of the README there. It differs from the real server on purpose in this: no STUN servers in
`join`; enabled codecs name audio only; candidates are UDP on this machine; lossy packets for a
client whose channel is about to open are kept for it.

A client on a machine that has no interface but loopback cannot call: libwebrtc gathers no address
there, and so has nothing to send from. Any interface will do, without a network behind it.

It listens for signals on 127.0.0.1 only. Media sockets lie on 127.0.0.1 and on the machine's own
addresses, one set a client; no STUN server is named to the clients, and none is asked.
"""

from services.sandbox.livekit.server import DevServer
from services.sandbox.livekit.timings import Timings

__all__ = ["DevServer", "Timings"]
