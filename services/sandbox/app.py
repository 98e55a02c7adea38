"""All stand-ins but LiveKit's, in one process on one port.

/sarvam   Sarvam's sockets           /llm/v1   an OpenAI-compatible model
/n8n      N8N's webhooks             /caller   the simulated caller, for the page
/settings, /faults                   see control.py
"""

from collections.abc import AsyncIterator

from aiohttp import web

from services.sandbox.caller import CallerEndpoint
from services.sandbox.control import Control
from services.sandbox.handlers import label
from services.sandbox.llm import LlmStandIn
from services.sandbox.n8n import N8nStandIn
from services.sandbox.sarvam import SarvamStandIn
from services.sandbox.settings import SandboxSettings
from services.sandbox.speech import Espeak, Registry, Speaker


def create_app(settings: SandboxSettings) -> web.Application:
    """The application; espeak-ng's process lives as long as it does."""
    espeak, registry = Espeak(), Registry()
    speaker = Speaker(espeak, registry)
    sarvam = SarvamStandIn(espeak, registry, speaker=speaker)
    llm, n8n = LlmStandIn(), N8nStandIn()
    for stand_in in (sarvam, llm, n8n):
        own = stand_in.settings()
        given = {name.upper(): value for name, value in settings.model_dump().items()}
        stand_in.update_settings({name: given[name] for name in own if name in given})
    caller = CallerEndpoint(speak=speaker.wav, gateway_url=f"http://127.0.0.1:{settings.web_port}")

    async def voice(_: web.Application) -> AsyncIterator[None]:
        async with espeak:
            await espeak.warm()
            yield

    root = web.Application()
    root.on_response_prepare.append(label)
    root.cleanup_ctx.append(voice)
    root.add_subapp("/sarvam/", sarvam.app())
    root.add_subapp("/llm/", llm.app())
    root.add_subapp("/n8n/", n8n.app())
    root.add_subapp("/caller/", caller.app())
    root.add_routes(Control({"sarvam": sarvam, "llm": llm, "n8n": n8n}).routes())
    return root
