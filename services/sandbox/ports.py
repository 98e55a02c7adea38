"""Ports that several programs of the sandbox read from the environment."""

from typing import Annotated, Final

from pydantic import Field

WEB_PORT: Final = 3000
SANDBOX_PORT: Final = 3900
LIVEKIT_PORT: Final = 7880

WebPort = Annotated[int, Field(ge=1, le=65535, description="port of the gateway: page and API")]
SandboxPort = Annotated[
    int,
    Field(
        ge=1,
        le=65535,
        description="port of the stand-ins under make run: control, speech, language model, N8N",
    ),
]
