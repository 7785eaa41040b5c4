"""The user's name and rights, by which the page offers what the user may do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from agora.web.permissions import BACKFILL_DAG_ID, NIGHTLY_DAG_ID, User, may_collect, may_review
from agora.web.responses import json_of

router = APIRouter()


@router.get("/api/rights")
def rights(
    user: User,
    collects: Annotated[bool, Depends(may_collect)],
    reviews: Annotated[bool, Depends(may_review)],
) -> Response:
    """Return the user's name and rights. To collect, the page triggers a run in Airflow's own API."""
    return json_of(
        {
            "user": user.get_name(),
            "may_collect": collects,
            "backfill_dag_id": BACKFILL_DAG_ID,
            "may_review": reviews,
            "nightly_dag_id": NIGHTLY_DAG_ID,
        }
    )
