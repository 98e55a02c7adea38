"""What the agent is told from outside, and what it makes of it."""

import pytest
from loguru import logger
from pydantic import ValidationError

from services.agent.settings import AgentSettings
from tests.agent.calls import settings


def test_the_provider_is_the_one_whose_key_is_set() -> None:
    """One key in .env is enough."""
    groq = settings(llm_provider=None, openai_api_key=None, groq_api_key="key", llm_model=None)
    assert groq.provider().name == "groq"
    assert groq.model() == "openai/gpt-oss-120b"
    openai = settings(llm_provider=None, llm_model=None)
    assert openai.provider().name == "openai"
    assert openai.model() == "gpt-4o-mini"


def test_a_retired_model_is_replaced() -> None:
    """An .env of the predecessor must not make every call an apology."""
    old = settings(llm_provider="groq", groq_api_key="key", llm_model="llama-3.3-70b-versatile")
    assert old.model() == "openai/gpt-oss-120b"
    assert old.retired_models() == {"llama-3.3-70b-versatile": "openai/gpt-oss-120b"}
    assert settings().retired_models() == {}


def test_settings_that_are_read_say_nothing() -> None:
    """Every call and every look at a provider reads them; the worker warns once, at its start."""
    old = settings(llm_provider="groq", groq_api_key="key", llm_model="llama-3.3-70b-versatile")
    lines: list[str] = []
    sink = logger.add(lines.append)
    old.model()
    old.model_choices()
    logger.remove(sink)
    assert lines == []


def test_no_key_at_all_is_one_clear_line() -> None:
    """Whoever forgot it reads which one to set, and never a key."""
    with pytest.raises(ValidationError, match="GROQ_API_KEY: not set and neither is OPENAI_API"):
        settings(llm_provider=None, openai_api_key=None)
    with pytest.raises(ValidationError, match="a key, since LLM_PROVIDER is groq"):
        settings(llm_provider="groq")


def test_every_setting_says_what_it_is_for() -> None:
    """The tables in the README are made from these."""
    silent = [name for name, field in AgentSettings.model_fields.items() if not field.description]
    assert silent == []
    assert "host" not in AgentSettings.model_fields
    assert "port" not in AgentSettings.model_fields
