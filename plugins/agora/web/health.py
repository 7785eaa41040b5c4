"""How collecting goes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from agora.warehouse.reports import health as report
from agora.web.answer import json_of, reading

router = APIRouter()


@router.get("/api/health")
def health() -> Response:
    """Answer with what is missing, the last runs, requests by day, and each vendor account."""
    with reading() as connection:
        return json_of(report.health(connection))
