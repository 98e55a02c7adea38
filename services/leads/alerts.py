"""Telling people: a JSON POST to ALERT_WEBHOOK_URL, beside the log."""

import asyncio
from typing import Literal

import httpx
from loguru import logger

from shared.clock import SYSTEM_CLOCK, Clock, isoformat

Kind = Literal["dead_letter", "destination_down", "credentials_refused"]

TRIES = 3
PAUSE_S = 2.0
TIMEOUT_S = 5.0


class Alerts:
    """Sends alerts beside the work; a receiver that fails three times is left alone.

    The body has `text`, which Slack and its kin show, and the same in parts for programs. Ids only.
    """

    def __init__(
        self, client: httpx.AsyncClient, url: str | None, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._client = client
        self._url = url
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, kind: Kind, text: str, *, destination: str, subject: str | None = None) -> None:
        logger.error("alert: {}", text)
        if self._url is None:
            return
        body = {
            "type": f"alert.{kind}",
            "text": text,
            "destination": destination,
            "subject": subject,
            "at": isoformat(self._clock.now()),
        }
        task = asyncio.create_task(self._send(self._url, body), name="alert")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Gives what is under way a moment."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=TIMEOUT_S)
        for task in self._tasks:
            task.cancel()

    async def _send(self, url: str, body: dict[str, str | None]) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                response = await self._client.post(url, json=body, timeout=TIMEOUT_S)
            except httpx.HTTPError as error:
                fault = type(error).__name__
            else:
                if response.is_success:
                    return
                fault = str(response.status_code)
            if attempt < TRIES:
                await asyncio.sleep(PAUSE_S)
        logger.warning("the alert did not reach ALERT_WEBHOOK_URL: {}", fault)
