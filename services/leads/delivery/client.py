"""Posting to a webhook: signed, within its time, and never reading more than is needed."""

import asyncio
import email.utils
from collections.abc import Sequence
from datetime import UTC

import httpx
from standardwebhooks import Webhook

from services.leads.delivery.response_policy import Answer
from shared.clock import SYSTEM_CLOCK, Clock

READ_AT_MOST_BYTES = 65_536  # an acknowledgement has 100; the rest of a page of HTML helps nobody
CONNECT_S = 3.0
KEEP_ALIVE_S = 4.0  # Node closes idle connections after 5: one that it is closing is not used


class WebhookClient:
    """One webhook.

    `secrets` (whsec_...) each sign every post. `auth` is the header that it asks for. `timeout` is
    in seconds, for the whole post.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        *,
        secrets: Sequence[str] = (),
        auth: tuple[str, str] | None = None,
        timeout: float = 10.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._http = http
        self._url = url
        self._signers = [Webhook(secret) for secret in secrets]
        self._auth = auth
        self._timeout = timeout
        self._clock = clock

    async def post(self, key: str, body: bytes) -> Answer:
        """Posts once. Whatever goes wrong is an Answer; only cancellation is raised."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(key, body)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Answer(None, failure="refused")
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, failure="timeout")
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, UnicodeError):
            return Answer(None, failure="unsendable")
        except httpx.RemoteProtocolError as error:
            cut = "disconnected" in str(error)
            return Answer(None, failure="reset" if cut else "unreadable")
        except httpx.DecodingError:
            return Answer(None, failure="unreadable")
        except httpx.TransportError:
            return Answer(None, failure="reset")

    async def _exchange(self, key: str, body: bytes) -> Answer:
        request = self._http.build_request(
            "POST", self._url, content=body, headers=self._headers(key, body)
        )
        response = await self._http.send(request, stream=True)
        try:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) >= READ_AT_MOST_BYTES:
                    break
        finally:
            await response.aclose()
        return Answer(
            response.status_code,
            bytes(content[:READ_AT_MOST_BYTES]).decode("utf-8", "replace"),
            retry_after=self._retry_after(response.headers.get("retry-after")),
        )

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        now = self._clock.now()
        headers = {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "idempotency-key": key,
        }
        if self._signers:
            text = body.decode()
            headers["webhook-signature"] = " ".join(
                signer.sign(key, now, text) for signer in self._signers
            )
        if self._auth:
            headers[self._auth[0]] = self._auth[1]
        return headers

    def _retry_after(self, text: str | None) -> float | None:
        """Seconds, from either form of the header; None without one that can be read."""
        if not text:
            return None
        if text.isdecimal():
            return float(text)
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self._clock.now()).total_seconds())


def open_http(concurrency: int, timeout: float) -> httpx.AsyncClient:
    """A pool of connections for `concurrency` posts at once.

    Redirects are not followed: a POST would become a GET without a body.
    """
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout, connect=min(CONNECT_S, timeout)),
        limits=httpx.Limits(
            max_connections=concurrency,
            max_keepalive_connections=concurrency,
            keepalive_expiry=KEEP_ALIVE_S,
        ),
        follow_redirects=False,
        headers={"user-agent": "Bolchaal"},
    )
