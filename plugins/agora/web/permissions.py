"""User rights on the page, derived from Airflow's rights on DAGs, and the route that returns them.

Each action requires a right on a DAG:

- View the page: read `agora_bandwidth_backfill`.
- Collect chosen days: trigger `agora_bandwidth_backfill`.
- Collect all missing days: trigger `agora_bandwidth_daily`.
- Review restatements: edit `agora_bandwidth_daily`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, requires_access_dag
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from agora.web.responses import json_response

BACKFILL_DAG_ID = "agora_bandwidth_backfill"
NIGHTLY_DAG_ID = "agora_bandwidth_daily"

router = APIRouter()
User = Annotated[BaseUser, Depends(get_user)]
# Each check raises 401 if the user is not logged in, and 403 if the user lacks the right.
require_read = requires_access_dag("GET", param_dag_id=BACKFILL_DAG_ID)
_require_trigger = requires_access_dag("POST", DagAccessEntity.RUN, BACKFILL_DAG_ID)
_require_run = requires_access_dag("POST", DagAccessEntity.RUN, NIGHTLY_DAG_ID)
require_review = requires_access_dag("PUT", param_dag_id=NIGHTLY_DAG_ID)


def may_collect(request: Request, user: User) -> bool:
    """Return whether the user may trigger the backfill."""
    return _is_allowed(_require_trigger, request, user)


def may_run(request: Request, user: User) -> bool:
    """Return whether the user may trigger the nightly DAG."""
    return _is_allowed(_require_run, request, user)


def may_review(request: Request, user: User) -> bool:
    """Return whether the user may edit the nightly DAG."""
    return _is_allowed(require_review, request, user)


def _is_allowed(requirement: Callable[[Request, BaseUser], None], request: Request, user: BaseUser) -> bool:
    try:
        requirement(request, user)
    except HTTPException:
        return False
    return True


@router.get("/api/rights")
def rights(
    user: User,
    collects: Annotated[bool, Depends(may_collect)],
    runs: Annotated[bool, Depends(may_run)],
    reviews: Annotated[bool, Depends(may_review)],
) -> Response:
    """Return the user's name and rights. To collect days, the page triggers a run through Airflow's API."""
    return json_response(
        {
            "user": user.get_name(),
            "may_collect": collects,
            "backfill_dag_id": BACKFILL_DAG_ID,
            "may_run": runs,
            "may_review": reviews,
            "nightly_dag_id": NIGHTLY_DAG_ID,
        }
    )


async def not_found(request: Request, error: Exception) -> Response:
    """Return 404 for an unknown path or method; without the right to read, return 401 or 403."""
    status, detail = 404, "Unknown path or method. docs/page.md lists the routes."
    try:
        user = await get_user(request, None, await bearer_scheme(request))
        await run_in_threadpool(require_read, request, user)
    except HTTPException as refusal:
        status, detail = refusal.status_code, refusal.detail
    return JSONResponse({"detail": detail}, status)
