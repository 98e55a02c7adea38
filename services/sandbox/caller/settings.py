"""Settings of `make call`: where the running system is."""

from pydantic import Field

from shared.runtime.settings import Credential, HttpUrl, Settings


class CallerSettings(Settings):
    gateway_url: HttpUrl | None = Field(
        None, description="the gateway that make call calls; unset: WEB_PORT on this machine"
    )
    web_port: int = Field(3000, ge=1, le=65535, description="port of the gateway: page and API")
    sandbox_port: int = Field(
        3900,
        ge=1,
        le=65535,
        description="port of the stand-ins under make run: the caller's voice comes from there",
    )
    gateway_api_key: Credential | None = Field(
        None, description="key for the private routes of the gateway, when it has one"
    )

    @property
    def gateway(self) -> str:
        return self.gateway_url or f"http://localhost:{self.web_port}"

    @property
    def speech(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}/sarvam/sandbox/utterances"
