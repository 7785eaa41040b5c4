"""Who is asking, and whether the page should offer to collect."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from agora.web.access import BACKFILL_DAG_ID, User, may_collect
from agora.web.answer import json_of

router = APIRouter()


@router.get("/api/rights")
def rights(user: User, collects: Annotated[bool, Depends(may_collect)]) -> Response:
    """Answer with the user's name and rights; collecting itself is a run, triggered in Airflow's own API."""
    return json_of({"user": user.get_name(), "may_collect": collects, "backfill_dag_id": BACKFILL_DAG_ID})
