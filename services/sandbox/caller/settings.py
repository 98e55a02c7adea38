"""Settings of `make call`: where the running system is."""

from pydantic import Field

from services.sandbox.ports import SANDBOX_PORT, WEB_PORT, SandboxPort, WebPort
from shared.runtime.settings import Credential, HttpUrl, Settings


class CallerSettings(Settings):
    gateway_url: HttpUrl | None = Field(
        None, description="the gateway that make call calls; unset: WEB_PORT on this machine"
    )
    web_port: WebPort = WEB_PORT
    sandbox_port: SandboxPort = SANDBOX_PORT
    gateway_api_key: Credential | None = Field(
        None, description="key for the private routes of the gateway, when it has one"
    )

    @property
    def gateway(self) -> str:
        return self.gateway_url or f"http://localhost:{self.web_port}"

    @property
    def speech(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}/sarvam/sandbox/utterances"
