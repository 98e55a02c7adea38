"""The FastAPI application: routes, errors and headers."""

from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from services.gateway import errors, health
from services.gateway.calls import endpoints as calls
from services.gateway.dependencies import Gateway
from services.gateway.leads import endpoints as leads
from services.gateway.middleware import BodyLimit, PublicCors, SafeHeaders, security_headers
from services.gateway.page import endpoints as page
from services.gateway.profiles import endpoints as profiles
from services.gateway.webhooks import livekit, n8n

STATIC = Path(__file__).parent / "static"


def create_app(gateway: Gateway) -> FastAPI:
    """The application over what the process has."""
    settings = gateway.settings
    headers = security_headers(settings.browser_livekit_url, settings.caller_url)
    app = FastAPI(
        title="Bolchaal",
        summary="Calls in Indian languages, and the leads that they bring",
        docs_url=None,  # its scripts come from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat a Host header that anybody can send
        strict_content_type=False,  # the predecessor took JSON whatever it was called
        middleware=[
            Middleware(SafeHeaders, headers=headers),
            Middleware(PublicCors, origins=settings.allowed_origins),
            Middleware(GZipMiddleware, minimum_size=1_000),
            Middleware(BodyLimit),
        ],
    )
    app.state.gateway = gateway
    errors.install(app)
    for module in (page, health, calls, profiles, leads, livekit, n8n):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
