"""Marks restatements as reviewed: the page's only route that writes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from agora.warehouse import suspicious_responses
from agora.web.permissions import User, require_review
from agora.web.responses import writing
from agora.web.thread_pool import PooledRoute

router = APIRouter(route_class=PooledRoute)


class Reviewed(BaseModel):
    """The body of the request.

    Attributes:
        until: Restatements up to this moment were looked at: `newest_drop_at` of the route health.
    """

    model_config = ConfigDict(extra="forbid")
    until: AwareDatetime


async def _reviewed(request: Request) -> Reviewed:
    """Read the body, after the user's rights are known: without them any body is answered 401 or 403.

    Only JSON is accepted, because a page of another origin can make a browser send a form, but not JSON: the
    browser first asks this server for permission (CORS), which it does not give. From other sites, browsers
    do not send Airflow's login cookie either (SameSite=Lax).

    Raises:
        HTTPException: 415 for another type than JSON, 422 for another body.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send JSON, with the header Content-Type: application/json.")
    try:
        return Reviewed.model_validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(
            422, error.errors(include_url=False, include_context=False, include_input=False)
        ) from None


@router.post("/api/restatements/review", dependencies=[Depends(require_review)], status_code=204)
def review(user: User, reviewed: Annotated[Reviewed, Depends(_reviewed)]) -> Response:
    """Mark the restatements up to a moment as reviewed by the user."""
    with writing() as connection:
        suspicious_responses.review(connection, reviewed.until, user.get_name())
    return Response(status_code=204)
