"""The providers that there are, in the order in which they are preferred."""

from services.agent.llm import providers
from services.agent.llm.providers.provider import Provider
from shared.discovery import discover

PROVIDERS: tuple[Provider, ...] = tuple(
    sorted(discover(providers, "PROVIDER", Provider), key=lambda each: (each.preference, each.name))
)


def provider_named(name: str) -> Provider:
    """Raises KeyError."""
    return {each.name: each for each in PROVIDERS}[name]
