"""Who may look and who may collect: whoever Airflow lets read, and trigger, the DAG of the backfill."""

from __future__ import annotations

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, requires_access_dag
from fastapi import Depends, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

BACKFILL_DAG_ID = "agora_bandwidth_backfill"

User = Annotated[BaseUser, Depends(get_user)]
# 401 without a login, 403 without the right.
may_look = requires_access_dag("GET", param_dag_id=BACKFILL_DAG_ID)
_may_trigger = requires_access_dag("POST", DagAccessEntity.RUN, BACKFILL_DAG_ID)


def may_collect(request: Request, user: User) -> bool:
    """Tell whether Airflow would let the user trigger the DAG."""
    try:
        _may_trigger(request, user)
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
