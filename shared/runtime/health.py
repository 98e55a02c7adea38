"""Health of a replica: what it says on /readyz, and what all of them say in Redis.

`failing` reasons mean that the service cannot do its work (503). `degraded` ones mean that it works
and somebody should look: N8N is down, a key is refused, Redis is weak. Each is said once in
the log when it appears and once when it is over. The gateway shows everybody's reasons on the page.
"""

import asyncio
from typing import Any, Literal, cast

from loguru import logger
from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import Redis

from shared.redis import keys
from shared.redis.client import AWAY, now_ms

Status = Literal["ok", "degraded", "unavailable"]

REPORT_EVERY_S = 2.0  # so that the page learns of a refused key while the call is on
FORGET_AFTER_MS = 15_000  # a replica that is silent for longer is gone


class Report(BaseModel):
    """What one replica says. `reasons` maps a short stable name to a sentence for people."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: str
    replica: str
    status: Status
    reasons: dict[str, str]
    at_ms: int = 0


class Health:
    """The reasons of one replica. `replica` tells it from others of its service."""

    def __init__(self, service: str, replica: str) -> None:
        self.service = service
        self.replica = replica
        self._failing: dict[str, str] = {}
        self._degraded: dict[str, str] = {}

    def set_failing(self, name: str, reason: str) -> None:
        """The service cannot do its work because of `name`."""
        if self._failing.get(name) != reason:
            logger.error("not ready: {}", reason)
        self._failing[name] = reason

    def set_starting(self) -> None:
        """Not ready, and nothing is wrong: `set_ok("start")` ends it."""
        self._failing["start"] = "still starting"

    def set_degraded(self, name: str, reason: str) -> None:
        """The service works, and somebody should look at `name`."""
        if self._degraded.get(name) != reason:
            logger.warning("degraded: {}", reason)
        self._degraded[name] = reason

    def set_ok(self, name: str) -> None:
        """`name` is all right (again)."""
        for reasons in (self._failing, self._degraded):
            if reasons.pop(name, None) and name != "start":
                logger.info("all right again: {}", name)

    @property
    def status(self) -> Status:
        if self._failing:
            return "unavailable"
        return "degraded" if self._degraded else "ok"

    @property
    def reasons(self) -> dict[str, str]:
        return {**self._degraded, **self._failing}

    def report(self) -> Report:
        return Report(
            service=self.service, replica=self.replica, status=self.status, reasons=self.reasons
        )

    async def publish(self, redis: Redis) -> None:
        """Keeps this replica's report in Redis up to date until cancelled."""
        field = f"{self.service}/{self.replica}"
        try:
            while True:
                try:
                    report = self.report().model_copy(update={"at_ms": await now_ms(redis)})
                    await redis.hset(keys.HEALTH, field, report.model_dump_json())
                    self.set_ok("redis")
                except AWAY as error:
                    self.set_degraded("redis", f"Redis does not answer ({type(error).__name__})")
                await asyncio.sleep(REPORT_EVERY_S)
        finally:
            try:
                await asyncio.shield(redis.hdel(keys.HEALTH, field))
            except AWAY:
                logger.debug("health report left behind: Redis is away")


async def read_reports(redis: Redis) -> list[Report]:
    """What every live replica says; those of dead ones are swept out on the way."""
    now = await now_ms(redis)
    raw = cast("dict[str, str]", await redis.hgetall(keys.HEALTH))
    reports = []
    for field, text in sorted(raw.items()):
        try:
            report = Report.model_validate_json(text)
        except ValidationError:
            report = None
        if report is None or now - report.at_ms > FORGET_AFTER_MS:
            await redis.hdel(keys.HEALTH, field)
        else:
            reports.append(report)
    return reports


def readiness_answer(health: Health) -> tuple[int, dict[str, Any]]:
    """Status code and JSON of /readyz."""
    report = health.report()
    code = 503 if report.status == "unavailable" else 200
    return code, {"status": report.status, "reasons": report.reasons}
