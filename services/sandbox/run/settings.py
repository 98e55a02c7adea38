"""What `make run` reads: ports of its own, and which parts of the outside world are real."""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, create_model

from services.sandbox.ports import LIVEKIT_PORT, SANDBOX_PORT, WEB_PORT, SandboxPort, WebPort
from shared.runtime.settings import Credential, HttpUrl, Key, LogSettings, RedisUrl, WsUrl

_REAL = "set it to use a real one; unset, it is simulated"

# The agent has one module per provider of language models, named like the setting of its key. Their
# names are read as names of files: the sandbox imports no service.
_PROVIDERS = Path(__file__).parents[2] / "agent" / "llm" / "providers"
LLM_KEYS = tuple(
    f"{path.stem}_api_key"
    for path in sorted(_PROVIDERS.glob("*.py"))
    if path.stem not in ("__init__", "provider")
)


class _RunSettings(LogSettings):
    """Settings of the supervisor. The services read the same environment by themselves."""

    web_port: WebPort = WEB_PORT
    sandbox_port: SandboxPort = SANDBOX_PORT
    sandbox_livekit_port: int = Field(
        LIVEKIT_PORT, ge=1, le=65535, description="port of the development LiveKit server"
    )
    sandbox_data: Path = Field(
        Path(".data"), description="folder that make run keeps Redis data and spool in"
    )
    sandbox_agents: int = Field(
        1, ge=1, le=8, description="agent replicas that make run starts, 300 MB each"
    )
    sandbox_leads: int = Field(1, ge=1, le=8, description="leads replicas that make run starts")

    redis_url: RedisUrl | None = Field(None, description=_REAL)
    livekit_url: WsUrl | None = Field(None, description=_REAL)
    livekit_public_url: WsUrl | None = Field(None, description="LiveKit as browsers reach it")
    livekit_api_key: Key | None = Field(None, description=_REAL)
    livekit_api_secret: SecretStr | None = Field(None, description=_REAL)
    sarvam_api_key: Credential | None = Field(None, description=_REAL)
    n8n_base_url: HttpUrl | None = Field(None, description=_REAL)

    @property
    def has_llm_key(self) -> bool:
        """Whether some provider of language models has a key."""
        return any(getattr(self, name) is not None for name in LLM_KEYS)


_KEY: Any = (Credential | None, Field(None, description=_REAL))
RunSettings = create_model(
    "RunSettings", __base__=_RunSettings, __module__=__name__, **dict.fromkeys(LLM_KEYS, _KEY)
)
