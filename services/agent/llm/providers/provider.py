"""What a provider of language models is to us: an address, a key, models and their quirks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Statuses that mean "this key" or "this model", and not "just now".
REFUSED = {401: "the key", 403: "the key", 404: "the model"}


@dataclass(frozen=True, slots=True)
class Provider:
    """One that speaks OpenAI's chat protocol.

    `name` is its value of LLM_PROVIDER, `title` its name for people. `base_url` includes the /v1.
    With several keys set the provider with the lowest `preference` is used first.
    """

    name: str
    title: str
    base_url: str
    default_model: str
    preference: int
    # Models that the provider has switched off, and the one that it names instead.
    retired_models: Mapping[str, str] = field(default_factory=dict)
    # By how a model's name begins: the reasoning effort that it is given, since a caller waits. The
    # open-weight models are served by any server that LLM_BASE_URL may name.
    reasoning_efforts: Mapping[str, str] = field(default_factory=lambda: {"openai/gpt-oss": "low"})
    # How the names of models begin that refuse a temperature.
    without_temperature: tuple[str, ...] = ("gpt-5", "o1", "o3", "o4")
    # What is refused, by HTTP status.
    refused: Mapping[int, str] = field(default_factory=lambda: REFUSED)

    @property
    def key_setting(self) -> str:
        """Name of the setting that holds its key, as a field of the settings class."""
        return f"{self.name}_api_key"

    @property
    def key_variable(self) -> str:
        """The same, as the environment spells it."""
        return self.key_setting.upper()

    def successor(self, model: str) -> str:
        """The model to use when `model` is asked for: another one when it is switched off."""
        return self.retired_models.get(model, model)

    def reasoning_effort(self, model: str) -> str | None:
        """None: the model is not told."""
        for beginning, effort in self.reasoning_efforts.items():
            if model.startswith(beginning):
                return effort
        return None

    def takes_temperature(self, model: str) -> bool:
        return not model.startswith(self.without_temperature)
