"""The rights on the page: to look, to collect, and to mark restatements as reviewed, all by Airflow's own.

To look takes the right to read the DAG agora_bandwidth_backfill, to collect the right to trigger it, and to
review the right to edit the DAG agora_bandwidth_daily.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, requires_access_dag
from fastapi import Depends, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

BACKFILL_DAG_ID = "agora_bandwidth_backfill"
NIGHTLY_DAG_ID = "agora_bandwidth_daily"

User = Annotated[BaseUser, Depends(get_user)]
# 401 without a login, 403 without the right.
may_look = requires_access_dag("GET", param_dag_id=BACKFILL_DAG_ID)
_may_trigger = requires_access_dag("POST", DagAccessEntity.RUN, BACKFILL_DAG_ID)
require_review = requires_access_dag("PUT", param_dag_id=NIGHTLY_DAG_ID)


def may_collect(request: Request, user: User) -> bool:
    """Return whether Airflow lets the user trigger the backfill."""
    return _is_allowed(_may_trigger, request, user)


def may_review(request: Request, user: User) -> bool:
    """Return whether Airflow lets the user edit the nightly DAG."""
    return _is_allowed(require_review, request, user)


def _is_allowed(requirement: Callable[[Request, BaseUser], None], request: Request, user: BaseUser) -> bool:
    try:
        requirement(request, user)
    except HTTPException:
        return False
    return True


async def nothing_here(request: Request, error: Exception) -> Response:
    """Answer 404 where there is no such path, or not with this verb, to those alone who may look."""
    status, detail = 404, "There is nothing here. docs/page.md lists what there is."
    try:
        user = await get_user(request, None, await bearer_scheme(request))
        await run_in_threadpool(may_look, request, user)
    except HTTPException as refusal:
        status, detail = refusal.status_code, refusal.detail
    return JSONResponse({"detail": detail}, status)
