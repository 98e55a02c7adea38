"""The HTML of the page and the console."""

import re

import httpx
from redis.asyncio import Redis

from shared.profiles import default_profile
from tests.gateway.conftest import Gateways, put_profile


async def test_the_page_says_what_is_simulated(gateways: Gateways, redis: Redis) -> None:
    """Somebody who speaks to a simulator must not take it for the product."""
    await put_profile(redis, default_profile())
    real = (await (await gateways()).get("/")).text
    assert "simulated" not in real
    client = await gateways(simulated="sarvam,n8n", caller_url="http://127.0.0.1:3900/caller")
    page = (await client.get("/?language=ta-IN&agent=school")).text
    assert "2 of 4 outside services are simulated" in page
    assert "Let the simulated caller speak" in page
    assert re.search(r'value="ta-IN" lang="ta" selected', page)
    assert 'value="school"' in page


async def test_no_script_of_the_page_stands_in_its_html(client: httpx.AsyncClient) -> None:
    """The security policy would not run it, and the page would be dead."""
    for path in ("/", "/console"):
        response = await client.get(path)
        assert response.status_code == 200
        page = response.text
        for attributes, text in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL):
            assert not text.strip() or 'type="application/json"' in attributes
        assert not re.search(r"\son\w+=|style=", page)
