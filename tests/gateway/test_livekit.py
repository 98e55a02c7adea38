"""LiveKit's server API as the gateway asks it."""

import aiohttp.web
import pytest
from pydantic import SecretStr

from services.gateway.livekit import LiveKitAway, LiveKitRefused, LiveKitServer
from shared.runtime.settings import LiveKitSettings
from tests.valkey import free_port


class Twirp:
    """LiveKit's server API, to answer as the test likes."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""

    async def answer(self, _: aiohttp.web.Request) -> aiohttp.web.Response:
        if self.status == 200:
            return aiohttp.web.Response(body=self.body, content_type="application/protobuf")
        return aiohttp.web.json_response({"code": "x", "msg": "y"}, status=self.status)


async def test_livekits_refusals_and_absence_are_told_apart() -> None:
    """A wrong key needs a person, an absent server needs patience."""
    twirp, port = Twirp(), free_port()
    app = aiohttp.web.Application()
    app.router.add_post("/{tail:.*}", twirp.answer)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    settings = LiveKitSettings(
        livekit_url=f"ws://127.0.0.1:{port}",
        livekit_api_key="key",
        livekit_api_secret=SecretStr("s" * 32),
    )
    async with LiveKitServer(settings) as server:
        await server.check()
        assert not await server.caller_present("room", "caller-1")
        assert not await server.room_exists("room")
        twirp.status = 401
        with pytest.raises(LiveKitRefused, match="LIVEKIT_API_KEY"):
            await server.check()
        twirp.status = 404
        await server.delete_room("room")
        twirp.status = 500
        with pytest.raises(LiveKitAway):
            await server.dispatch("room", "call")
        await runner.cleanup()
        with pytest.raises(LiveKitAway):
            await server.check()
