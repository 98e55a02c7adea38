"""Health: the predecessor's /health, and what orchestrators and the page ask."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.gateway.calls.schemas import HealthAnswer
from services.gateway.dependencies import GatewayDep
from services.gateway.readiness import readiness
from shared.clock import SYSTEM_CLOCK, isoformat

router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> HealthAnswer:
    """The predecessor's health check: the process lives."""
    return HealthAnswer(timestamp=isoformat(SYSTEM_CLOCK.now()))


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(gateway: GatewayDep) -> JSONResponse:
    """Whether calls can be made, with a reason for everything that is amiss in any service."""
    code, body = await readiness(gateway.redis, gateway.health)
    return JSONResponse(body, status_code=code, headers={"Cache-Control": "no-store"})


@router.get("/metrics")
async def metrics() -> Response:
    """Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
