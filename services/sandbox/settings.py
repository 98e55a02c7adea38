"""Settings of the stand-ins. The latencies can also be changed while they run (control.py)."""

from pydantic import Field

from services.sandbox.ports import SANDBOX_PORT, WEB_PORT, WebPort
from shared.runtime.settings import LogSettings


class SandboxSettings(LogSettings):
    sandbox_port: int = Field(
        SANDBOX_PORT, ge=0, le=65535, description="port of the stand-ins; 0 takes a free one"
    )
    web_port: WebPort = WEB_PORT
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
