"""The language model: which provider, which model, and how long it may take."""

from enum import StrEnum
from typing import Self

from loguru import logger
from pydantic import Field, SecretStr, model_validator

from shared.runtime.settings import Credential, HttpUrl, Settings


class Provider(StrEnum):
    GROQ = "groq"
    OPENAI = "openai"


BASE_URLS = {
    Provider.GROQ: "https://api.groq.com/openai/v1",
    Provider.OPENAI: "https://api.openai.com/v1",
}
DEFAULT_MODELS = {Provider.GROQ: "openai/gpt-oss-120b", Provider.OPENAI: "gpt-4o-mini"}

# Models that their provider has switched off, and the one that it names instead.
RETIRED = {"llama-3.3-70b-versatile": "openai/gpt-oss-120b"}


class LlmSettings(Settings):
    llm_provider: Provider | None = Field(
        None, description="groq or openai; unset: the one whose key is set, Groq first"
    )
    groq_api_key: Credential | None = Field(None, description="Groq API key")
    openai_api_key: Credential | None = Field(None, description="OpenAI API key")
    llm_model: str | None = Field(
        None,
        description="model of the provider; unset: openai/gpt-oss-120b on Groq, gpt-4o-mini on"
        " OpenAI",
    )
    llm_base_url: HttpUrl | None = Field(
        None, description="another server that speaks OpenAI's chat protocol, with the /v1"
    )
    llm_fallback_model: str | None = Field(
        None,
        description="model of the same provider that answers when the first one fails; unset: the"
        " other provider, when its key is set too",
    )
    llm_reasoning_effort: str | None = Field(
        None,
        description="low, medium or high for reasoning models; unset: low where the model is known"
        " to reason, since a caller waits",
    )
    llm_temperature: float = Field(
        0.3, ge=0, le=2, description="variation of the wording; low, for the agent asks and notes"
    )
    llm_max_tokens: int = Field(
        400,
        ge=50,
        le=4000,
        description="tokens of one reply, reasoning included; a spoken turn has about 60",
    )
    llm_first_token_timeout: float = Field(
        3.0,
        gt=0,
        le=7,
        description="seconds that a model has for its first word before the next one is asked;"
        " two models and the spoken apology stay under eight seconds",
    )
    llm_stall_timeout: float = Field(
        3.0, gt=0, le=7, description="seconds between two pieces of a reply before it is given up"
    )

    @model_validator(mode="after")
    def _has_key(self) -> Self:
        if self.groq_api_key is None and self.openai_api_key is None:
            raise ValueError(
                "GROQ_API_KEY: not set and neither is OPENAI_API_KEY, expected: one of the two"
            )
        if self.llm_provider is not None and self.key_of(self.llm_provider) is None:
            name = f"{self.llm_provider.value.upper()}_API_KEY"
            raise ValueError(
                f"{name}: not set, expected: a key, since LLM_PROVIDER is {self.llm_provider.value}"
            )
        return self

    def key_of(self, provider: Provider) -> SecretStr | None:
        return self.groq_api_key if provider is Provider.GROQ else self.openai_api_key

    def provider(self) -> Provider:
        """The provider in use: the one that is named, else the one whose key is set."""
        if self.llm_provider is not None:
            return self.llm_provider
        return Provider.GROQ if self.groq_api_key is not None else Provider.OPENAI

    def model(self) -> str:
        """The model in use. A retired one is replaced, with a warning in the log."""
        model = self.llm_model or DEFAULT_MODELS[self.provider()]
        successor = RETIRED.get(model) if self.provider() is Provider.GROQ else None
        if successor is None:
            return model
        logger.warning("LLM_MODEL {!r} is retired: using {!r}", model, successor)
        return successor
