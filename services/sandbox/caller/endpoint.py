"""The simulated caller for the page: POST /next answers what to say next, as text and as speech.

The page sends what both sides have said so far and plays what it gets as its own microphone.
"""

import base64
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.sandbox.caller.dialogue import next_utterance
from services.sandbox.caller.gateway_client import GatewayClient, GatewayFailed
from services.sandbox.caller.script import Asked, Script, from_scenario, invented
from services.sandbox.handlers import error
from services.sandbox.scenarios import languages, scenario
from services.sandbox.speech.pcm import read_wav
from shared.locales.model import UNKNOWN
from shared.locales.registry import DEFAULT_LANGUAGE
from shared.profiles import Profile

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Speaks a text in a language: a WAV file, PCM16 mono.
Speak = Callable[[str, str], Awaitable[bytes]]


class NextRequest(BaseModel):
    """The call so far, oldest first. `questions` spares us asking the gateway for them."""

    model_config = ConfigDict(extra="ignore")

    agent_id: str = Field("default", max_length=64)
    language: str = Field(DEFAULT_LANGUAGE, max_length=20)
    scenario: str | None = Field(None, max_length=64)
    call_id: str = Field("", max_length=64)
    agent_said: list[str] = Field(default_factory=list, max_length=500)
    caller_said: list[str] = Field(default_factory=list, max_length=500)
    questions: list[Asked] | None = Field(None, max_length=100)


class CallerEndpoint:
    """`speak` gives the caller's voice; the profile's questions come from `gateway_url`."""

    def __init__(self, *, speak: Speak, gateway_url: str, api_key: str | None = None) -> None:
        self._speak = speak
        self._gateway_url = gateway_url
        self._api_key = api_key

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_post("/next", self._next)
        app.router.add_options("/next", _preflight)
        app.on_response_prepare.append(_allow_page)
        return app

    async def _next(self, request: web.Request) -> web.Response:
        try:
            wanted = NextRequest.model_validate_json(await request.read())
        except ValidationError as wrong:
            first = wrong.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            return error(422, "invalid", f"{where}: {first['msg']}".strip(": "))
        try:
            script = await self._script(wanted)
        except KeyError as missing:
            return error(422, "unknown", f"the simulated caller knows nothing of {missing.args[0]}")
        except GatewayFailed as failure:
            return error(502, "gateway", str(failure))
        said = next_utterance(script, wanted.agent_said, wanted.caller_said)
        if said is None:
            return web.json_response(
                {"text": None, "field": None, "done": True, "wav": None, "duration_ms": 0}
            )
        wav = await self._speak(said.text, script.language)
        return web.json_response(
            {
                "text": said.text,
                "field": said.field,
                "done": False,
                "wav": base64.b64encode(wav).decode(),
                "duration_ms": _duration_ms(wav),
            }
        )

    async def _script(self, wanted: NextRequest) -> Script:
        """Raises KeyError for an unknown language or scenario, GatewayFailed."""
        language = DEFAULT_LANGUAGE if wanted.language == UNKNOWN else wanted.language
        if language not in languages():
            raise KeyError(f"language {wanted.language!r}")
        if wanted.scenario:
            return from_scenario(scenario(wanted.scenario, language), wanted.questions or ())
        asked = wanted.questions
        if asked is None:
            asked = await self._asked(wanted.agent_id, wanted.language)
        return invented(asked, language, seed=wanted.call_id or wanted.agent_id)

    async def _asked(self, agent_id: str, language: str) -> list[Asked]:
        gateway = GatewayClient(self._gateway_url, api_key=self._api_key)
        try:
            data = await gateway.profile(agent_id)
        finally:
            await gateway.aclose()
        try:
            profile = Profile.model_validate(data)
        except ValidationError as wrong:
            raise GatewayFailed("the gateway gave no valid profile") from wrong
        questions = profile.localised(language).questions
        return [Asked.model_validate(each.model_dump()) for each in questions]


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def _allow_page(request: web.Request, response: web.StreamResponse) -> None:
    """Pages of this machine may ask, pages of other sites may not."""
    origin = request.headers.get("Origin", "")
    if urlsplit(origin).hostname in LOOPBACK:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Vary"] = "Origin"


def _duration_ms(wav: bytes) -> int:
    samples, rate = read_wav(wav)
    return int(1000 * len(samples) / rate)
