"""Data between real clients: packets, text streams and remote calls."""

import asyncio

from livekit import api, rtc

from tests.sandbox.livekit.clients import WAIT, Clients, Heard, token


async def test_data(clients: Clients) -> None:
    """Typing to the agent, and its tool results, travel as data."""
    at_bob, at_carol = Heard("data_received"), Heard("data_received")
    alice = await clients.room("alice")
    await clients.room("bob", prepare=at_bob)
    await clients.room("carol", prepare=at_carol)
    await alice.local_participant.publish_data(b"all", topic="t")
    await alice.local_participant.publish_data(b"lossy", reliable=False)
    await alice.local_participant.publish_data(b"one", destination_identities=["carol"])
    lk = await clients.api()
    await lk.room.send_data(api.SendDataRequest(room="room", data=b"server"))
    got_by_bob = [(await at_bob.until("data_received"))[0] for _ in range(3)]
    got_by_carol = [(await at_carol.until("data_received"))[0] for _ in range(4)]
    assert {bytes(d.data) for d in got_by_bob} == {b"all", b"lossy", b"server"}
    assert {bytes(d.data) for d in got_by_carol} == {b"all", b"lossy", b"one", b"server"}
    senders = {bytes(d.data): d.participant and d.participant.identity for d in got_by_bob}
    assert senders == {b"all": "alice", b"lossy": "alice", b"server": None}


async def test_data_sent_the_moment_somebody_joins(clients: Clients) -> None:
    """The first sentence of a transcript would be lost."""
    heard = Heard("data_received")
    alice = await clients.room("alice")
    joining = asyncio.create_task(clients.room("bob", prepare=heard))
    sent = 0
    while not joining.done():
        await alice.local_participant.publish_data(str(sent).encode(), topic="t")
        sent += 1
    await joining
    await alice.local_participant.publish_data(b"last", topic="t")
    numbers: list[bytes] = []
    while not numbers or numbers[-1] != b"last":
        (packet,) = await heard.until("data_received")
        numbers.append(bytes(packet.data))
    first = int(numbers[0])
    assert numbers[:-1] == [str(n).encode() for n in range(first, sent)]


async def test_data_without_the_right_vanishes(clients: Clients) -> None:
    """A caller without the grant could type to the agent."""
    heard = Heard("data_received")
    mute = await clients.room("mute", jwt=token("mute", can_publish_data=False))
    alice = await clients.room("alice")
    await clients.room("bob", prepare=heard)
    await mute.local_participant.publish_data(b"forbidden")
    await alice.local_participant.publish_data(b"allowed")
    (packet,) = await heard.until("data_received")
    assert bytes(packet.data) == b"allowed"


async def test_text_streams_and_calls(clients: Clients) -> None:
    """Transcripts are text streams; the page and the agent call each other by RPC."""
    texts: asyncio.Queue[str] = asyncio.Queue()
    reading = []

    async def read(reader: rtc.TextStreamReader) -> None:
        texts.put_nowait(await reader.read_all())

    def on_text(reader: rtc.TextStreamReader, _: str) -> None:
        reading.append(asyncio.create_task(read(reader)))

    async def echo(data: rtc.RpcInvocationData) -> str:
        return data.caller_identity + ":" + data.payload

    alice = await clients.room("alice")
    bob = await clients.room("bob")
    bob.register_text_stream_handler("lk.transcription", on_text)
    bob.local_participant.register_rpc_method("echo", echo)
    varied = "".join(chr(0x0B85 + n * n % 50) for n in range(60_000))
    for text in ("short", varied):
        await alice.local_participant.send_text(text, topic="lk.transcription")
        assert await asyncio.wait_for(texts.get(), WAIT) == text
    answer = await alice.local_participant.perform_rpc(
        destination_identity="bob", method="echo", payload="x"
    )
    assert answer == "alice:x"
    await asyncio.gather(*reading)
