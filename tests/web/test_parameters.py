"""Query parameters: each error names the parameter, so that the page can show the error beside the field."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import httpx
import pytest
from fastapi import FastAPI

from agora.web.parameters import Day, require_range

pytestmark = pytest.mark.unit


app = FastAPI()


@app.get("/")
async def days(from_date: Day, to_date: Day) -> int:
    """Return the days between two dates, at most nine."""
    require_range(from_date, to_date, 10)
    return (to_date - from_date).days


def get(from_date: str, to_date: str) -> httpx.Response:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.get("/", params={"from_date": from_date, "to_date": to_date})

    return asyncio.run(request())


@pytest.mark.parametrize(
    ("from_date", "to_date", "parameter", "phrase"),
    [
        ("2026-11-02", "2026-11-01", "to_date", "is before 2026-11-02"),
        ("2026-11-01", "2026-11-11", "to_date", "longer than 10 days"),
        ("2026-13-01", "2026-11-01", "from_date", "2026-13-01 is not a date"),
        ("2026-11-01", "1764460800", "to_date", "1764460800 is not a date"),
        ("1999-12-31", "2026-11-01", "from_date", "1999-12-31 is not a date"),
    ],
)
def test_an_error_names_the_parameter(from_date: str, to_date: str, parameter: str, phrase: str) -> None:
    response = get(from_date, to_date)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    (error,) = response.json()["detail"]
    assert error["loc"][-1] == parameter
    assert phrase in error["msg"]


def test_the_longest_range_is_accepted() -> None:
    assert get("2026-11-01", "2026-11-10").json() == 9
