"""What several tests of the gateway start from."""

import httpx

from shared.calls.log import Turn

OPERATOR = {"Authorization": "Bearer a-key-for-operators"}
NOBODYS = "0199b3a0-0000-7000-8000-000000000000"


async def opened(client: httpx.AsyncClient, **body: object) -> dict[str, str]:
    """The answer of opening a call."""
    response = await client.post("/api/token", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, str] = response.json()
    return answer


def turn(text: str) -> Turn:
    return Turn(who="agent", text=text, language="hi-IN")
