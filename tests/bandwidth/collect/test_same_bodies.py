"""Apps with the same response body: their points are stored and marked, and the run note names them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agora.bandwidth.plan import Days
from agora.warehouse import suspicious_responses
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import Night, night_of, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


def notes(night: Night) -> list[str]:
    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        with engine.connect() as connection:
            return suspicious_responses.describe(connection, datetime.now(UTC) - timedelta(hours=1))
    finally:
        engine.dispose()


def marks(night: Night) -> dict[str, str | None]:
    return {app_id: row["same_response_as"] for (app_id, _), row in night.coverage().items()}


def test_one_body_for_two_apps_is_stored_marked_and_reported(warehouse: Warehouse) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        day = window_days(sandbox)[-1]
        one, other, third = sandbox.app_ids
        names = {one: "lobby", other: "stage", third: "hall"}
        apps = [{"app_id": app_id, "name": name, "collect_from": str(day)} for app_id, name in names.items()]
        night = night_of(sandbox, warehouse, apps)
        sandbox.put_faults([{"kind": "same_as", "app_id": other, "same_as_app_id": one}])

        _, summary = night.run(Days(day, day))

        assert summary.states == {"collected": 3}
        points = {app_id: row["kbps"] for (app_id, _), row in night.ledger().items()}
        assert points[one] == points[other] == sandbox.points(one, day)
        assert marks(night) == {one: other, other: one, third: None}
        (note,) = notes(night)
        assert note.startswith(
            f"The vendor returned the same response body for several apps: lobby, stage on {day}."
        )

        sandbox.put_faults([])
        night.run(Days(day, day, reload=True))
        assert set(marks(night).values()) == {None}
        assert notes(night) == []


def test_identical_days_without_traffic_are_not_reported(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        sandbox.put_faults([{"kind": "zeros"}])
        night.run(Days(day, day))
        assert set(marks(night).values()) == {None}
        assert notes(night) == []
