"""Reads one kept answer: its points, or why there are none."""

from __future__ import annotations

from agora.bandwidth.normalise import Outcome
from agora.bandwidth.payload import decode
from agora.errors import AnswerRejected
from agora.warehouse.raw_answers import RawAnswer


def read(answer: RawAnswer, *, attempts: int = 1) -> Outcome:
    """Decode an answer with points as it was kept.

    Args:
        answer: Kept, with a status of 200.
        attempts: How many requests it counts for in the ledger.
    """
    kbps, reason = None, answer.fault
    if not reason:
        try:
            kbps = decode(answer.body, answer.usage_date)
        except AnswerRejected as error:
            reason = str(error)
    return Outcome(
        answer.app_id,
        answer.usage_date,
        kbps,
        attempts=attempts,
        http_status=answer.http_status,
        reason=reason,
        rejected=kbps is None,
        collected_at=answer.fetched_at if kbps is not None else None,
        body_sha256=answer.body_sha256,
    )
