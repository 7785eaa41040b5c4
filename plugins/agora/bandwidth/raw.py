"""What is kept of an answer before it is read."""

from __future__ import annotations

import hashlib
from datetime import date

from agora.vendor.answer import Answer
from agora.warehouse.raw_answers import RawAnswer


def raw_answer(app_id: str, usage_date: date, answer: Answer) -> RawAnswer:
    """Turn an answer into the row that is kept of it."""
    return RawAnswer(
        app_id,
        usage_date,
        answer.fetched_at,
        answer.status,
        answer.body,
        hashlib.sha256(answer.body).digest(),
        answer.fault,
    )
