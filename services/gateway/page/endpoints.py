"""The call page and the console: HTML made here, everything else by the page's own scripts."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from services.gateway.dependencies import GatewayDep
from shared.locales.registry import LANGUAGES, LOCALES, is_language
from shared.profiles.model import is_agent_id
from shared.voices import voices_of

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(directory=Path(__file__).parents[1] / "templates")

# What a stand-in means for the person at the page: its name, and what to do about it.
SIMULATED = {
    "livekit": (
        "Voice server (LiveKit)",
        "A development server on this machine carries the audio. Set LIVEKIT_URL for a real one.",
    ),
    "sarvam": (
        "Speech (Sarvam)",
        "A simulator that understands the simulated caller only. Set SARVAM_API_KEY to be heard.",
    ),
    "llm": (
        "Language model",
        "A script that asks the agent's questions in order. Set a key, such as GROQ_API_KEY.",
    ),
    "n8n": (
        "N8N",
        "A stand-in that answers as our N8N workflows do. Set N8N_BASE_URL for your own.",
    ),
}
CALLER_NOTE = {
    True: "Only the simulated caller's voice is understood here. Or type below.",
    False: "It answers the agent's questions in your place.",
}


@router.get("/", response_class=HTMLResponse)
async def page(
    request: Request, gateway: GatewayDep, agent: str = "default", language: str = ""
) -> HTMLResponse:
    """The call page. `?agent=ID&language=ta-IN` chooses beforehand."""
    settings = gateway.settings
    return _render(
        request,
        "page.html",
        here="page",
        languages=LANGUAGES.values(),
        spoken=len(LOCALES),
        voices=_voices(settings.sarvam_tts_model),
        chosen={
            "agent": agent if is_agent_id(agent) else "default",
            "language": language if is_language(language) else "",
        },
        simulated=[
            {"name": SIMULATED[item][0], "explanation": SIMULATED[item][1]}
            for item in settings.simulated
        ],
        caller=settings.caller_url,
        caller_note=CALLER_NOTE["sarvam" in settings.simulated],
        data={"caller_url": settings.caller_url},
    )


@router.get("/console", response_class=HTMLResponse)
async def console(request: Request) -> HTMLResponse:
    """The console. The page is public; what it shows needs the API key."""
    return _render(request, "console.html", here="console")


def _render(request: Request, template: str, **context: Any) -> HTMLResponse:
    scripts = [(each.html, *each.block) for each in LOCALES.values() if each.block]
    response = templates.TemplateResponse(request, template, {**context, "scripts": scripts})
    response.headers["Cache-Control"] = "no-store"
    return response


def _voices(model: str) -> list[tuple[str, list[Any]]]:
    voices = voices_of(model).values()
    return [
        ("Women", [voice for voice in voices if voice.gender == "female"]),
        ("Men", [voice for voice in voices if voice.gender == "male"]),
    ]
