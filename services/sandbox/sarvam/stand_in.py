"""Sarvam's speech services on their wire protocol, simulated."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from services.sandbox.handlers import label
from services.sandbox.sarvam import legacy, realtime, rest, sandbox_routes, tts
from services.sandbox.sarvam.backend import Backend
from services.sandbox.sarvam.faults import SpeechFaults
from services.sandbox.sarvam.latencies import Latencies
from services.sandbox.speech import Espeak, Registry, Speaker

_GOING_AWAY: Final = 1001
_LARGEST_BODY: Final = 8 * 1024 * 1024
_Handler = Callable[[web.Request, Backend], Awaitable[web.StreamResponse]]


class SarvamStandIn:
    """It speaks with espeak-ng and understands only what `speaker` said. It is no recogniser.

    `api_keys` as for handlers.accepts_key. The numbers are milliseconds; a socket is closed after
    `idle_s` seconds without a message.
    """

    def __init__(
        self,
        espeak: Espeak,
        registry: Registry,
        *,
        speaker: Speaker | None = None,
        api_keys: Collection[str] | None = None,
        stt_silence_ms: float = 200,
        stt_ms: float = 150,
        tts_ms: float = 150,
        idle_s: float = 60.0,
    ) -> None:
        self._backend = Backend(
            espeak=espeak,
            registry=registry,
            speaker=speaker or Speaker(espeak, registry),
            latencies=Latencies(stt_silence_ms, stt_ms, tts_ms),
            faults=SpeechFaults(),
            api_keys=api_keys,
            idle_s=idle_s,
        )

    def app(self) -> web.Application:
        app = web.Application(client_max_size=_LARGEST_BODY)
        routes: list[tuple[str, str, _Handler]] = [
            ("GET", "/speech-to-text-realtime/ws", realtime.handle),
            ("GET", "/speech-to-text/ws", legacy.handle),
            ("POST", "/speech-to-text", rest.speech_to_text),
            ("GET", "/text-to-speech/ws", tts.handle),
            ("POST", "/text-to-speech", rest.text_to_speech),
            ("POST", "/sandbox/utterances", sandbox_routes.utter),
            ("GET", "/sandbox/sockets", sandbox_routes.list_sockets),
            ("POST", "/sandbox/sockets", sandbox_routes.break_sockets),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, self._bound(handler))
        app.on_response_prepare.append(label)
        app.on_shutdown.append(self._close_sockets)
        return app

    def settings(self) -> dict[str, float]:
        return self._backend.latencies.settings()

    def update_settings(self, settings: Mapping[str, Any]) -> None:
        """Takes what is its own, leaves the rest. Raises ValueError; then nothing changes."""
        self._backend.latencies.update(settings)

    def faults(self) -> list[dict[str, Any]]:
        return self._backend.faults.list()

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Replaces all faults. Raises ValueError; then nothing changes."""
        self._backend.faults.set(faults)

    def health(self) -> str | None:
        """Why it cannot speak, as of the last attempt."""
        return self._backend.espeak.last_error

    def _bound(self, handler: _Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def bound(request: web.Request) -> web.StreamResponse:
            return await handler(request, self._backend)

        return bound

    async def _close_sockets(self, _app: web.Application) -> None:
        for socket in list(self._backend.sockets):
            await socket.close(_GOING_AWAY, "the simulator stops")
