"""Which language models a call asks, and how they are asked: what the settings decide."""

from dataclasses import dataclass

from pydantic import SecretStr

from services.agent.llm.providers.provider import Provider


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One model of one provider. `base_url` may be another server with the same protocol."""

    provider: Provider
    model: str
    key: SecretStr
    base_url: str


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """`reasoning_effort` None: as the provider's module says for the model."""

    temperature: float
    max_tokens: int
    reasoning_effort: str | None = None
