"""Telling people: a JSON POST to ALERT_WEBHOOK_URL, beside the log."""

import asyncio
from typing import Literal

import httpx
from loguru import logger

from shared.clock import SYSTEM_CLOCK, Clock, isoformat
from shared.deliveries import LEAD_CAPTURE

AlertType = Literal["dead_letter", "destination_down", "credentials_refused"]

TRIES = 3
PAUSE_S = 2.0
TIMEOUT_S = 5.0


def list_dead(destination: str) -> str:
    """The command that shows what a destination was not given."""
    to = "" if destination == LEAD_CAPTURE else f" --to {destination}"
    return f"bolchaal leads list --state dead{to}"


class Alerts:
    """Sends alerts beside the work. Each is tried three times and then given up.

    The body has `text`, which Slack and similar services show, and the same in parts for programs.
    It holds ids, and no personal data.
    """

    def __init__(
        self, client: httpx.AsyncClient, url: str | None, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._client = client
        self._url = url
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(
        self, alert: AlertType, text: str, *, destination: str, subject: str | None = None
    ) -> None:
        """Logs the alert, and posts it when there is an address."""
        logger.error("alert: {}", text)
        if self._url is None:
            return
        body = {
            "type": f"alert.{alert}",
            "text": text,
            "destination": destination,
            "subject": subject,
            "at": isoformat(self._clock.now()),
        }
        task = asyncio.create_task(self._send(self._url, body), name="alert")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Waits for what is under way, TIMEOUT_S at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=TIMEOUT_S)
        for task in self._tasks:
            task.cancel()

    async def _send(self, url: str, body: dict[str, str | None]) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                response = await self._client.post(url, json=body, timeout=TIMEOUT_S)
            except httpx.HTTPError as error:
                reason = type(error).__name__
            else:
                if response.is_success:
                    return
                reason = str(response.status_code)
            if attempt < TRIES:
                await self._clock.sleep(PAUSE_S)
        logger.warning("the alert did not reach ALERT_WEBHOOK_URL: {}", reason)
