"""OpenAI."""

from services.agent.llm.providers.provider import Provider

PROVIDER = Provider(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com/v1",
    default_model="gpt-4o-mini",
    preference=20,
)
