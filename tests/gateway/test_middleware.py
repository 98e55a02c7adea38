"""Headers, and pages of other sites."""

import pytest

from services.gateway.middleware import security_headers
from tests.gateway.conftest import Gateways


def test_livekit_cloud_may_send_the_browser_on() -> None:
    """The cloud answers with the nearest region's name: the policy has to allow it."""
    policy = security_headers("wss://demo.livekit.cloud", None)["Content-Security-Policy"]
    assert "wss://*.livekit.cloud https://*.livekit.cloud" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("origins", "path", "allowed"),
    [
        ("*", "/api/languages", "*"),
        ("*", "/api/token", "*"),
        ("*", "/api/config/default", None),
        ("*", "/api/v1/leads", None),
        ("https://mine.example, https://page.example", "/api/languages", "https://page.example"),
        ("https://mine.example", "/api/languages", None),
        ("none", "/api/languages", None),
    ],
)
async def test_pages_of_other_sites_use_the_public_routes_only(
    gateways: Gateways, origins: str, path: str, allowed: str | None
) -> None:
    """The predecessor's users call its API from pages of their own, and leads are not for pages."""
    client = await gateways(cors_origins=origins)
    headers = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    asked = await client.options(path, headers=headers)
    given = await client.get(path, headers={"Origin": "https://page.example"})
    for response in (asked, given):
        assert response.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in response.headers
