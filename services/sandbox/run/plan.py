"""What to start: which parts are real, which simulated, and the environment that says so.

The services are given the same variables as in production; the ones of the stand-ins are filled in
where the operator named nothing.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.sandbox.run.settings import LLM_KEYS, RunSettings
from shared.errors import SettingsError
from shared.runtime.settings import redact


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the outside world, as the banner shows it."""

    name: str
    simulated: bool
    what: str
    how_to_change: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the supervisor needs to know before it starts the first process.

    `environment` is what the services get on top of the supervisor's own. `redis_port` is None when
    REDIS_URL names a server.
    """

    parts: tuple[Part, ...]
    environment: Mapping[str, str]
    redis_port: int | None
    own_livekit: bool
    ports: Mapping[str, int] = field(default_factory=dict)


def make_plan(settings: RunSettings, *, redis_port: int) -> Plan:
    """The plan for these settings; `redis_port` is used when a Redis of our own is needed.

    Raises SettingsError for half a configuration, such as a LiveKit address without its key.
    """
    livekit = settings.livekit_url is None
    sarvam = settings.sarvam_api_key is None
    llm = not settings.has_llm_key
    n8n = settings.n8n_base_url is None
    sandbox = f"http://127.0.0.1:{settings.sandbox_port}"
    environment = {
        "WEB_PORT": str(settings.web_port),
        "HEALTH_PORT": "0",
        "BIND_ADDRESS": "127.0.0.1",
        "SANDBOX_PORT": str(settings.sandbox_port),
        "SPOOL_DIR": str((settings.sandbox_data / "spool").absolute()),
        "CALLER_URL": f"{sandbox}/caller",
        "WEB_SERVER_URL": f"http://127.0.0.1:{settings.web_port}",
        "DRAIN_TIMEOUT": "3",
        "PYTHONUNBUFFERED": "1",
        "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
    }
    if settings.redis_url is None:
        environment["REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"
    if livekit:
        environment |= _own_livekit(settings)
    else:
        _complete(settings)
    if sarvam:
        environment |= {
            "SARVAM_API_KEY": "simulated",
            "SARVAM_BASE_URL": f"{sandbox}/sarvam",
        }
    if llm:
        environment |= {
            "LLM_PROVIDER": "openai",
            "OPENAI_API_KEY": "simulated",
            "LLM_MODEL": "scripted",
            "LLM_BASE_URL": f"{sandbox}/llm/v1",
        }
    if n8n:
        environment["N8N_BASE_URL"] = f"{sandbox}/n8n"
    simulated = {"livekit": livekit, "sarvam": sarvam, "llm": llm, "n8n": n8n}
    environment["SIMULATED"] = ",".join(name for name, is_ in simulated.items() if is_)
    ports = {"WEB_PORT": settings.web_port, "SANDBOX_PORT": settings.sandbox_port}
    if livekit:
        ports["SANDBOX_LIVEKIT_PORT"] = settings.sandbox_livekit_port
    return Plan(
        parts=_parts(settings, livekit=livekit, sarvam=sarvam, llm=llm, n8n=n8n),
        environment=environment,
        redis_port=redis_port if settings.redis_url is None else None,
        own_livekit=livekit,
        ports=ports,
    )


def _own_livekit(settings: RunSettings) -> dict[str, str]:
    """Key and secret of the development server: the operator's, else ones made for this run."""
    secret = settings.livekit_api_secret
    if (settings.livekit_api_key is None) != (secret is None):
        missing = "LIVEKIT_API_KEY" if settings.livekit_api_key is None else "LIVEKIT_API_SECRET"
        raise SettingsError(f"{missing}: not set, expected both the key and the secret, or neither")
    return {
        "LIVEKIT_URL": f"ws://127.0.0.1:{settings.sandbox_livekit_port}",
        "LIVEKIT_PUBLIC_URL": f"ws://127.0.0.1:{settings.sandbox_livekit_port}",
        "LIVEKIT_API_KEY": settings.livekit_api_key or "bolchaal-sandbox",
        "LIVEKIT_API_SECRET": secret.get_secret_value() if secret else secrets.token_urlsafe(36),
        "SANDBOX_LIVEKIT_PORT": str(settings.sandbox_livekit_port),
        "SANDBOX_LIVEKIT_WEBHOOK_URLS": (
            f"http://127.0.0.1:{settings.web_port}/api/webhooks/livekit"
        ),
    }


def _complete(settings: RunSettings) -> None:
    for name in ("livekit_api_key", "livekit_api_secret"):
        if getattr(settings, name) is None:
            raise SettingsError(f"{name.upper()}: not set, expected it together with LIVEKIT_URL")


def _parts(
    settings: RunSettings, *, livekit: bool, sarvam: bool, llm: bool, n8n: bool
) -> tuple[Part, ...]:
    own = settings.redis_url is None
    return (
        Part(
            "Redis",
            False,
            f"Valkey of our own, data in {settings.sandbox_data}" if own else "REDIS_URL",
            "REDIS_URL",
        ),
        Part(
            "LiveKit",
            livekit,
            f"development server on port {settings.sandbox_livekit_port}"
            if livekit
            else redact(str(settings.livekit_url)),
            "LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET",
        ),
        Part(
            "Speech",
            sarvam,
            "understands only its own simulated caller" if sarvam else "Sarvam",
            "SARVAM_API_KEY",
        ),
        Part(
            "Language model",
            llm,
            "a script that follows the profile's questions" if llm else "a provider of yours",
            " or ".join(name.upper() for name in LLM_KEYS),
        ),
        Part(
            "N8N",
            n8n,
            f"stand-in, leads at http://127.0.0.1:{settings.sandbox_port}/n8n/sandbox/leads"
            if n8n
            else redact(str(settings.n8n_base_url)),
            "N8N_BASE_URL",
        ),
    )


def child_environment(plan: Plan) -> dict[str, str]:
    """The environment of the processes: the supervisor's own with the plan's on top."""
    inherited = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return {**inherited, **plan.environment}


# Make exports these to what it starts; ours would read them as its own.
_MISLEADING = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV")
