"""The gateway's settings."""

import pytest
from pydantic import ValidationError

from services.gateway.settings import GatewaySettings
from tests.gateway.conftest import gateway_settings


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", ()), ("n8n", ("n8n",)), ("livekit, sarvam,llm", ("livekit", "sarvam", "llm"))],
)
def test_simulated_is_a_list(value: str, expected: tuple[str, ...]) -> None:
    assert gateway_settings("redis://h:1", simulated=value).simulated == expected


@pytest.mark.parametrize(
    "changes", [{"simulated": "telephone"}, {"gateway_api_key": "short"}, {"web_port": 70_000}]
)
def test_wrong_settings_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        gateway_settings("redis://h:1", **changes)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_what_is_loopback(address: str, loopback: bool) -> None:
    assert gateway_settings("redis://h:1", bind_address=address).on_loopback is loopback


def test_no_setting_is_called_host_or_port() -> None:
    """Coolify sets HOST and PORT to what it likes."""
    assert not {"host", "port"} & set(GatewaySettings.model_fields)
