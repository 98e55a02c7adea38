"""The providers that there are, in the order in which they are preferred."""

from services.agent.discovery import discover
from services.agent.llm import providers
from services.agent.llm.providers.provider import Provider

PROVIDERS: tuple[Provider, ...] = tuple(
    sorted(discover(providers, "PROVIDER", Provider), key=lambda each: (each.preference, each.name))
)


def provider_named(name: str) -> Provider:
    """Raises KeyError."""
    return {each.name: each for each in PROVIDERS}[name]
