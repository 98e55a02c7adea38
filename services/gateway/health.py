"""Health: the predecessor's /health, and what orchestrators and the page ask."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from services.gateway.dependencies import GatewayDep
from services.gateway.readiness import Readiness, readiness
from shared.clock import SYSTEM_CLOCK, isoformat


class HealthAnswer(BaseModel):
    status: Literal["healthy"] = "healthy"
    timestamp: str


class Alive(BaseModel):
    status: Literal["ok"] = "ok"


router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> HealthAnswer:
    """The predecessor's health check: the process lives."""
    return HealthAnswer(timestamp=isoformat(SYSTEM_CLOCK.now()))


@router.get("/healthz")
async def healthz() -> Alive:
    """The process lives."""
    return Alive()


@router.get("/readyz")
async def readyz(gateway: GatewayDep, response: Response) -> Readiness:
    """Whether calls can be made, with a reason for everything that is amiss in any service."""
    answer = await readiness(gateway.redis, gateway.health)
    response.status_code = 503 if answer.status == "unavailable" else 200
    response.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/metrics")
async def metrics() -> Response:
    """Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
