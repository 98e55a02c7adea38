"""Settings of the stand-ins. The latencies can also be changed while they run (control.py)."""

from pydantic import Field

from shared.runtime.settings import LogSettings


class SandboxSettings(LogSettings):
    sandbox_port: int = Field(
        3900,
        ge=0,
        le=65535,
        description="port of the stand-ins under make run: control, speech, language model, N8N",
    )
    web_port: int = Field(3000, ge=1, le=65535, description="port of the gateway: page and API")
    sandbox_stt_silence_ms: int = Field(
        200, ge=0, description="ms of silence that end speech, in the speech stand-in"
    )
    sandbox_stt_ms: int = Field(
        150, ge=0, description="ms from the end of speech to its transcript, in the speech stand-in"
    )
    sandbox_tts_ms: int = Field(
        150, ge=0, description="ms from a text to its first sound, in the speech stand-in"
    )
    sandbox_llm_ms: int = Field(
        200, ge=0, description="ms to the first token, in the scripted language model"
    )
    sandbox_llm_tps: int = Field(
        60, ge=1, description="tokens a second, in the scripted language model"
    )
    sandbox_n8n_ms: int = Field(
        20, ge=0, description="ms that a workflow takes, in the N8N stand-in"
    )
