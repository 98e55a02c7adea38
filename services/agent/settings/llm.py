"""The language model: which provider, which model, and how long it may take."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, create_model, model_validator

from services.agent.llm.choice import ModelChoice, ModelOptions
from services.agent.llm.providers.provider import Provider
from services.agent.llm.registry import PROVIDERS, provider_named
from shared.runtime.settings import Credential, HttpUrl, Settings

_NAMES = [provider.name for provider in PROVIDERS]
_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def _known_provider(name: str) -> str:
    if name not in _NAMES:
        raise ValueError(" or ".join(repr(each) for each in _NAMES))
    return name


# Each provider's module brings the setting of its key: GROQ_API_KEY, OPENAI_API_KEY, ...
if TYPE_CHECKING:
    LlmKeySettings = Settings
else:
    LlmKeySettings = create_model(
        "LlmKeySettings",
        __base__=Settings,
        __module__=__name__,
        **{
            provider.key_setting: (
                Credential | None,
                Field(None, description=f"{provider.title} API key"),
            )
            for provider in PROVIDERS
        },
    )


class LlmSettings(LlmKeySettings):
    llm_provider: Annotated[str, AfterValidator(_known_provider)] | None = Field(
        None,
        description=f"{' or '.join(_NAMES)}; unset: the one whose key is set,"
        f" {PROVIDERS[0].title} first",
    )
    llm_model: str | None = Field(
        None,
        description="model of the provider; unset: "
        + ", ".join(f"{each.default_model} on {each.title}" for each in PROVIDERS),
    )
    llm_base_url: HttpUrl | None = Field(
        None, description="another server that speaks OpenAI's chat protocol, with the /v1"
    )
    llm_fallback_model: str | None = Field(
        None,
        description="model of the same provider that answers when the first one fails; unset: the"
        " next provider whose key is set, with its own model",
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
        if all(self.key_of(provider) is None for provider in PROVIDERS):
            first, *others = (provider.key_variable for provider in PROVIDERS)
            raise ValueError(
                f"{first}: not set and neither is {' or '.join(others)}, expected: one of the"
                f" {_COUNTS.get(len(PROVIDERS), str(len(PROVIDERS)))}"
            )
        if self.llm_provider is not None and self.key_of(self.provider()) is None:
            raise ValueError(
                f"{self.provider().key_variable}: not set, expected: a key, since LLM_PROVIDER is"
                f" {self.llm_provider}"
            )
        return self

    def key_of(self, provider: Provider) -> SecretStr | None:
        key: SecretStr | None = getattr(self, provider.key_setting)
        return key

    def provider(self) -> Provider:
        """The provider in use: the one that is named, else the first one whose key is set."""
        if self.llm_provider is not None:
            return provider_named(self.llm_provider)
        return next(each for each in PROVIDERS if self.key_of(each) is not None)

    def model(self) -> str:
        """The model in use; for a retired one its successor."""
        provider = self.provider()
        return provider.successor(self.llm_model or provider.default_model)

    def fallback_model(self) -> str | None:
        """The model of the same provider that steps in; for a retired one its successor."""
        fallback = self.llm_fallback_model
        return self.provider().successor(fallback) if fallback else None

    def retired_models(self) -> dict[str, str]:
        """The models named in the settings that are switched off, and what is used instead."""
        named = {self.llm_model: self.model(), self.llm_fallback_model: self.fallback_model()}
        return {old: new for old, new in named.items() if old and new and old != new}

    def model_choices(self) -> list[ModelChoice]:
        """The models to ask, in order; at least one."""
        provider = self.provider()
        choices = [self._choice(provider, self.model(), self.llm_base_url)]
        if fallback := self.fallback_model():
            choices.append(self._choice(provider, fallback, self.llm_base_url))
        elif not self.llm_base_url:  # an address of one's own serves one provider only
            others = [each for each in PROVIDERS if each is not provider and self.key_of(each)]
            choices += [self._choice(each, each.default_model, None) for each in others[:1]]
        return choices

    def model_options(self) -> ModelOptions:
        return ModelOptions(
            self.llm_temperature, self.llm_max_tokens, self.llm_reasoning_effort or None
        )

    def _choice(self, provider: Provider, model: str, base_url: str | None) -> ModelChoice:
        key = self.key_of(provider)
        if key is None:
            raise AssertionError(f"the settings let {provider.name} pass without a key")
        return ModelChoice(provider, model, key, base_url or provider.base_url)
