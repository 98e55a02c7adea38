"""Groq: open-weight models, quick to the first token."""

from services.agent.llm.providers.provider import Provider

PROVIDER = Provider(
    name="groq",
    title="Groq",
    base_url="https://api.groq.com/openai/v1",
    default_model="openai/gpt-oss-120b",
    preference=10,
    retired_models={"llama-3.3-70b-versatile": "openai/gpt-oss-120b"},
)
