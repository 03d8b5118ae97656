"""Routes for machines that watch Daypass: `/healthz` and `/metrics`. They need no token and name nobody."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from daypass.api.front import AFront
from daypass.api.models import Health

router = APIRouter(tags=["probes"])


@router.get("/healthz", responses={503: {"model": Health, "description": "It cannot do its work, or is leaving."}})
async def healthz(front: AFront, response: Response) -> Health:
    """Whether this gateway can do its work: 200, or 503 and why not."""
    health = front.health()
    response.status_code = 200 if health.state == "HEALTHY" else 503
    return health


@router.get("/metrics", response_class=Response)
async def metrics(front: AFront) -> Response:
    """Numbers for Prometheus."""
    return Response(generate_latest(front.registry), media_type=CONTENT_TYPE_LATEST)
