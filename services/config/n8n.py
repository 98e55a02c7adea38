"""Asking N8N for a profile: GET {N8N_BASE_URL}{N8N_WEBHOOK_AGENT_CONFIG}?agent_id=ID."""

import asyncio
from dataclasses import replace

import httpx

from services.config.fetch_result import Failed, FetchResult, Found, Unchanged, Unknown
from services.config.validation import read_profile
from shared.n8n_answers import read_json

# A profile has some kilobytes; a larger answer is something else.
LARGEST_ANSWER_BYTES = 1024 * 1024


class N8nProfiles:
    """Profiles from one N8N.

    `timeout` is in seconds and covers the whole exchange. `auth` is the name and value of the
    header that the webhook asks for.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        auth: tuple[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            headers=dict([auth]) if auth else None, timeout=timeout, transport=transport
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def fetch(
        self, agent_id: str, etag: str = "", *, timeout: float | None = None
    ) -> FetchResult:
        """One request, `timeout` seconds at most. Never raises for what N8N does or fails to do."""
        limit = self._timeout if timeout is None else min(timeout, self._timeout)
        headers = {"If-None-Match": etag} if etag else {}
        try:
            async with (
                asyncio.timeout(limit),
                self._client.stream(
                    "GET", self._url, params={"agent_id": agent_id}, headers=headers
                ) as response,
            ):
                body = await _read(response)
        except (TimeoutError, httpx.TimeoutException):
            return Failed(f"N8N did not answer within {limit:.2g} s")
        except httpx.HTTPError as error:
            return Failed(f"N8N cannot be reached: {type(error).__name__}", passing=True)
        except httpx.InvalidURL:
            return Failed("N8N_BASE_URL is not an address")
        if body is None:
            return Failed(f"N8N gave more than {LARGEST_ANSWER_BYTES} bytes", away=False)
        return _understand(response.status_code, response.headers.get("etag", ""), body, agent_id)


async def _read(response: httpx.Response) -> bytes | None:
    """The body; None when it is too large."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            return None
    return bytes(body)


def _understand(status: int, etag: str, body: bytes, agent_id: str) -> FetchResult:
    if status == 304:
        return Unchanged()
    data = read_json(body)
    if isinstance(data, dict) and data.get("error") == "unknown_agent":
        return Unknown()
    if status in (401, 403):
        return Failed(f"N8N refuses the request ({status}): check N8N_AUTH_HEADER, N8N_AUTH_VALUE")
    if status == 404:
        reason = "N8N says that the webhook is not registered: is the workflow active?"
        return Failed(reason, passing=True)  # n8n registers its webhooks one by one as it starts
    if not 200 <= status < 300:
        return Failed(f"N8N answered {status}", passing=status >= 500)
    if not body.strip():
        return Failed("N8N gave an empty answer: the workflow did not reach its Respond node")
    if data is None:
        return Failed("N8N's answer is not JSON", away=False)
    answer = read_profile(data, agent_id, "N8N")
    return replace(answer, etag=etag) if isinstance(answer, Found) else answer
