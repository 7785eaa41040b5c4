"""Convert a response to the row that stores it, and a stored row to points."""

from __future__ import annotations

import hashlib
from datetime import date, datetime

from agora.bandwidth.decode import decode
from agora.bandwidth.normalise import Outcome
from agora.client.mask_secrets import mask_secrets
from agora.client.response import Response
from agora.errors import ResponseRejected
from agora.warehouse.raw_responses import RawResponse


def raw_response(app_id: str, usage_date: date, answer: Response, fetched_at: datetime) -> RawResponse:
    """Return the row in which a response is stored before it is decoded.

    Args:
        app_id: The requested App ID.
        usage_date: The requested day.
        answer: The response.
        fetched_at: Time when the response was complete, according to the warehouse's clock.
    """
    digest = hashlib.sha256(answer.body).digest()
    return RawResponse(app_id, usage_date, fetched_at, answer.status, answer.body, digest, answer.fault)


def read(
    response: RawResponse,
    *,
    attempts: int = 1,
    starts_at: datetime | None = None,
    secrets: tuple[str, ...] = (),
) -> Outcome:
    """Return the points of a stored 2xx response, or the reason why the response is rejected.

    Args:
        response: The stored row.
        attempts: Number of requests to add to the ledger.
        starts_at: Start of the day, if known.
        secrets: Strings that the reason for a rejection must not contain.
    """
    kbps, reason = None, response.fault
    if not reason:
        try:
            kbps = decode(response.body, response.usage_date)
        except ResponseRejected as error:
            reason = mask_secrets(secrets, str(error))
    return Outcome(
        response.app_id,
        response.usage_date,
        kbps,
        attempts=attempts,
        http_status=response.http_status,
        reason=reason,
        rejected=kbps is None,
        collected_at=response.fetched_at if kbps is not None else None,
        body_sha256=response.body_sha256,
        starts_at=starts_at,
    )
