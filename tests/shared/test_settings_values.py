"""Values as they really arrive: pasted with spaces and newlines, or with what cannot be sent."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from services.agent.settings import AgentSettings
from services.config.settings import ConfigSettings
from services.gateway.settings import GatewaySettings
from services.leads.settings import LeadsSettings
from services.sandbox.run.settings import RunSettings
from shared.runtime.settings import Settings, load

NEEDED = {
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "s" * 32,
    "SARVAM_API_KEY": "sk-sarvam",
    "GROQ_API_KEY": "gsk-groq",
}
VALUES = {
    **NEEDED,
    "OPENAI_API_KEY": "sk-openai",
    "GATEWAY_API_KEY": "k" * 40,
    "N8N_INBOUND_TOKEN": "t" * 40,
    "N8N_BASE_URL": "https://n8n.example.com",
    "N8N_AUTH_HEADER": "X-Token",
    "N8N_AUTH_VALUE": "Bearer abc",
    "LEAD_WEBHOOK_SECRET": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0",
    "ALERT_WEBHOOK_URL": "https://hooks.example.com/x",
    "LIVEKIT_PUBLIC_URL": "wss://voice.example.com",
    "SARVAM_BASE_URL": "wss://api.sarvam.example",
    "LLM_BASE_URL": "https://llm.example.com/v1",
    "LLM_MODEL": "openai/gpt-oss-20b",
    "DEFAULT_VOICE": "ritu",
    "DEFAULT_LANGUAGE": "ta-IN",
    "BIND_ADDRESS": "0.0.0.0",
    "LOG_LEVEL": "DEBUG",
    "TTS_SAMPLE_RATE": "8000",
    "N8N_WEBHOOK_AGENT_CONFIG": "/webhook/profiles",
    "N8N_WEBHOOK_LEAD_CAPTURE": "/webhook/leads",
    "WEB_PORT": "3100",
    "SIMULATED": "livekit,n8n",
}
CLASSES = (AgentSettings, ConfigSettings, GatewaySettings, LeadsSettings, RunSettings)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def _read(cls: type[Settings]) -> dict[str, object]:
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in load(cls)
    }


def _takers(name: str) -> Iterator[type[Settings]]:
    return (cls for cls in CLASSES if name.lower() in cls.model_fields)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    "dressed",
    ["{}\n", " {}", "\t{}\r\n ", "\ufeff{}\u200b", "\u00a0{}", "\u3000{}\u00ad", "{}\u2003"],
)
def test_white_space_around_a_value_is_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, dressed: str
) -> None:
    """A key with a newline at its end made the agent mute while /readyz said ok."""
    for each, value in VALUES.items():
        monkeypatch.setenv(each, value)
    for cls in _takers(name):
        monkeypatch.setenv(name, VALUES[name])
        plain = _read(cls)
        monkeypatch.setenv(name, dressed.format(VALUES[name]))
        assert _read(cls) == plain


@pytest.mark.parametrize("blank", [" ", "\n", "\u200b"])
def test_a_blank_value_is_an_unset_one(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    """Else " " as N8N_BASE_URL would stop the service, and as OPENAI_API_KEY choose OpenAI."""
    for name in ("N8N_BASE_URL", "OPENAI_API_KEY", "DEFAULT_VOICE", "WEB_PORT"):
        monkeypatch.setenv(name, blank)
        for cls in _takers(name):
            assert getattr(load(cls), name.lower()) == cls.model_fields[name.lower()].default


def test_a_blank_variable_leaves_the_word_to_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """A platform that passes blanks for what is not set must not hide what .env says."""
    with open(f"{tmp_path}/.env", "w", encoding="utf-8-sig") as file:  # noqa: PTH123 - with its mark
        file.write("DEFAULT_LANGUAGE = te-IN \nLOG_LEVEL=WARNING\n")
    monkeypatch.setenv("DEFAULT_LANGUAGE", " \n")
    settings = load(GatewaySettings)
    assert (settings.default_language, settings.log_level) == ("te-IN", "WARNING")


UNSENDABLE = {
    "SARVAM_API_KEY": [
        "sk\nx",
        "sk x",
        "schlüssel",
        "चाबी",
        "a\x00b".replace("\x00", "\x7f"),
        "sk\u200bx",
    ],
    "GROQ_API_KEY": ["gsk\rx", "gsk–x"],
    "OPENAI_API_KEY": ["sk\tx", "sk“x”"],
    "LIVEKIT_API_KEY": ["dev key", "ключ"],
    "GATEWAY_API_KEY": ["k" * 32 + " k", "क" * 40],
    "N8N_INBOUND_TOKEN": ["t" * 32 + "ü"],
    "N8N_AUTH_VALUE": ["Bearer\nabc", "tökén", "Bearer\x1b[0m"],
    "N8N_AUTH_HEADER": ["X Token", "X-Tökén", "X-Token:", "Content-Type", "webhook-id"],
    "N8N_BASE_URL": [
        "https://n8n.example.com/a b",
        "https://बोलचाल.example",
        "https://n8n\n.example",
    ],
    "N8N_WEBHOOK_AGENT_CONFIG": ["/webhook/a\x01b", "/webhook/\u200ba", "webhook"],
    "N8N_WEBHOOK_LEAD_CAPTURE": ["/webhook/a\x7fb", "/webhook/lead capture"],
    "LEAD_WEBHOOK_SECRET": [", ,"],
    "ALERT_WEBHOOK_URL": ["https://hooks.example.com/\u200b/x", "https://hooks.example.com/ü"],
    "LIVEKIT_URL": ["ws://live kit:7880"],
    "LIVEKIT_PUBLIC_URL": ["wss://voice.example.com/\n/x"],
    "SARVAM_BASE_URL": ["wss://api.sarvam.ai x"],
    "LLM_BASE_URL": ["https://llm.example.com/v1\u00a0/x"],
    "REDIS_URL": ["redis://127.0.0.1:6379 /0", "redis://:p w@127.0.0.1:6379/0"],
    "BIND_ADDRESS": ["127.0.0.1 x", "höst", "http://127.0.0.1"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in UNSENDABLE.items() for value in values]
)
def test_what_cannot_be_sent_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """Found by the first caller otherwise, or by the leads that pile up: "the connection broke"."""
    for each in ("N8N_AUTH_HEADER", "N8N_AUTH_VALUE", "N8N_BASE_URL"):
        monkeypatch.setenv(each, VALUES[each])
    monkeypatch.setenv(name, value)
    for cls in _takers(name):
        with pytest.raises(SystemExit) as caught:
            load(cls)
        err = capsys.readouterr().err
        assert caught.value.code == 2
        assert err.startswith(f"{name}: found ")
        assert err.count("\n") == 1
        if name.endswith(("KEY", "SECRET", "TOKEN", "VALUE")) and name != "LIVEKIT_API_KEY":
            assert value not in err
