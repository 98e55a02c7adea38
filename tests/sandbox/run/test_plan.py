"""What `make run` decides to simulate, and what it refuses before anything is started."""

import pytest

from services.agent.llm.registry import PROVIDERS
from services.sandbox.run import plan
from services.sandbox.run.settings import LLM_KEYS, RunSettings
from shared.errors import SettingsError


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """No .env and no variable of the machine's own."""
    monkeypatch.chdir(str(tmp_path))
    for name in RunSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_keys_everything_outside_is_simulated() -> None:
    made = plan.make_plan(RunSettings(), redis_port=6400)
    assert made.environment["SIMULATED"] == "livekit,sarvam,llm,n8n"
    assert made.environment["REDIS_URL"] == "redis://127.0.0.1:6400/0"
    assert len(made.environment["LIVEKIT_API_SECRET"]) >= 32
    assert set(made.ports) == {"WEB_PORT", "SANDBOX_PORT", "SANDBOX_LIVEKIT_PORT"}


def test_each_key_makes_its_part_real(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the operator's must reach its service as it is, and only that part change."""
    for name, value in {
        "SARVAM_API_KEY": "sk_1",
        "GROQ_API_KEY": "gsk_1",
        "N8N_BASE_URL": "https://n8n.example.com/",
        "LIVEKIT_URL": "wss://x.livekit.cloud",
        "LIVEKIT_API_KEY": "k",
        "LIVEKIT_API_SECRET": "s" * 32,
        "REDIS_URL": "redis://redis.example.com:6379",
    }.items():
        monkeypatch.setenv(name, value)
    made = plan.make_plan(RunSettings(), redis_port=6400)
    assert made.environment["SIMULATED"] == ""
    assert made.redis_port is None
    ours = {"LIVEKIT_URL", "SARVAM_API_KEY", "LLM_BASE_URL", "N8N_BASE_URL", "REDIS_URL"}
    assert not ours & set(made.environment)
    assert not any(part.simulated for part in made.parts)


@pytest.mark.parametrize("key", LLM_KEYS)
def test_any_providers_key_makes_the_model_real(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A new provider's key would be set in vain: a script would answer, and say nothing of it."""
    monkeypatch.setenv(key.upper(), "k")
    environment = plan.make_plan(RunSettings(), redis_port=6400).environment
    assert "llm" not in environment["SIMULATED"].split(",")
    assert "LLM_PROVIDER" not in environment


def test_every_provider_of_the_agent_is_known() -> None:
    """The names are read from the names of the agent's files, which could be moved."""
    assert set(LLM_KEYS) == {provider.key_setting for provider in PROVIDERS}


def test_keys_of_the_operator_serve_the_development_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", "mine")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "s" * 32)
    made = plan.make_plan(RunSettings(), redis_port=6400)
    assert made.own_livekit
    assert made.environment["LIVEKIT_API_KEY"] == "mine"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"LIVEKIT_URL": "wss://x.livekit.cloud"}, "LIVEKIT_API_KEY"),
        ({"LIVEKIT_API_KEY": "k"}, "LIVEKIT_API_SECRET"),
        ({"LIVEKIT_API_SECRET": "s" * 32}, "LIVEKIT_API_KEY"),
    ],
)
def test_half_a_configuration_is_refused_by_name(
    given: dict[str, str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{missing}: not set"):
        plan.make_plan(RunSettings(), redis_port=6400)


def test_the_banner_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """People paste the banner into bug reports."""
    monkeypatch.setenv("N8N_BASE_URL", "https://me:pa55word@n8n.example.com")
    made = plan.make_plan(RunSettings(), redis_port=6400)
    shown = " ".join(part.what for part in made.parts)
    assert "https://***@n8n.example.com" in shown
    assert "pa55word" not in shown
