"""Health of a replica: what it says on /readyz, and what all of them say in Redis.

`failing` reasons mean that the service cannot do its work (503). `degraded` ones mean that it works
and somebody should look: N8N is down, a key is refused, Redis is weak. Each is said once in
the log when it appears and once when it is over. The gateway shows everybody's reasons on the page.
"""

import contextlib
from typing import Any, Literal, cast

from loguru import logger
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.frozen import FrozenModel
from shared.redis import keys
from shared.redis.client import now_ms
from shared.redis.outage import outage_reason

Status = Literal["ok", "degraded", "unavailable"]

REPORT_EVERY_S = 2.0  # so that the page learns of a refused key while the call is on
FORGET_AFTER_MS = 15_000  # a replica that is silent for longer is gone


class Report(FrozenModel):
    """What one replica says. `reasons` maps a short stable name to a sentence for people."""

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

    def set_failing(self, name: str, reason: str | None) -> None:
        """The service cannot do its work because of `name`; without a reason it is all right."""
        if reason is None:
            self.set_ok(name)
            return
        if self._failing.get(name) != reason:
            logger.error("not ready: {}", reason)
        self._failing[name] = reason

    def set_starting(self) -> None:
        """Not ready, and nothing is wrong: `set_ok("start")` ends it."""
        self._failing["start"] = "still starting"

    def set_degraded(self, name: str, reason: str | None) -> None:
        """It works, and somebody should look at `name`; without a reason that is all right."""
        if reason is None:
            self.set_ok(name)
            return
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


async def publish_report(health: Health, redis: Redis) -> None:
    """Puts what a replica says into Redis, once; notes as "redis" why it could not."""
    try:
        report = health.report().model_copy(update={"at_ms": await now_ms(redis)})
        await redis.hset(keys.HEALTH, _field(health), report.model_dump_json())
    except (RedisError, OSError) as error:
        reason = outage_reason(error)
        if reason is None:
            raise
        health.set_degraded("redis", reason)
    else:
        health.set_ok("redis")


async def withdraw_report(health: Health, redis: Redis) -> None:
    """A replica that stops takes its report along, so that it is not counted any more."""
    try:
        await redis.hdel(keys.HEALTH, _field(health))
    except (RedisError, OSError) as error:
        # It is out of date in FORGET_AFTER_MS anyway.
        logger.debug("health report left behind: {}", type(error).__name__)


async def read_reports(redis: Redis) -> list[Report]:
    """What every live replica says; those of dead ones are removed on the way."""
    now = await now_ms(redis)
    raw = cast("dict[str, str]", await redis.hgetall(keys.HEALTH))
    reports: list[Report] = []
    dead: list[str] = []
    for field, text in sorted(raw.items()):
        report = _parse(text)
        if report is None or now - report.at_ms > FORGET_AFTER_MS:
            dead.append(field)
        else:
            reports.append(report)
    if dead:
        with contextlib.suppress(RedisError, OSError):  # a Redis that refuses writes can be read
            await redis.hdel(keys.HEALTH, *dead)
    return reports


def _parse(text: str) -> Report | None:
    try:
        return Report.model_validate_json(text)
    except ValidationError:
        return None


def _field(health: Health) -> str:
    return f"{health.service}/{health.replica}"


def readiness_answer(health: Health) -> tuple[int, dict[str, Any]]:
    """Status code and JSON of /readyz."""
    report = health.report()
    code = 503 if report.status == "unavailable" else 200
    return code, {"status": report.status, "reasons": report.reasons}
