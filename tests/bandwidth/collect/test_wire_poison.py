"""Bad responses over real HTTP: no point is stored, the reason is recorded, and the bytes are stored."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from datetime import UTC, date, datetime, timedelta

import pytest

from agora.bandwidth.batch_result import BatchResult
from agora.bandwidth.collect import collect
from agora.bandwidth.replay import replay
from agora.client.dashboard import DashboardClient
from agora.client.request import Timeouts
from agora.settings.apps import parse_apps
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import sync_and_plan
from tests.bandwidth.collect.wire_poison import WIRE_POISON, Serve, whole
from tests.bandwidth.response_bodies import body
from tests.client.push_stream_requests import CERTIFICATE, account
from tests.client.raw_server import RawServer, http_response, raw_server
from tests.warehouse.database import Warehouse

APP_IDS = ["struck", "one", "other"]
TOKEN = b64encode(f"customer:{CERTIFICATE}".encode()).decode()
SHORT = Timeouts(total_seconds=0.5)
SOUND = whole(lambda sound: http_response(200, sound))
POINTS = [float(slot) for slot in range(288)]


class Vendor:
    """A server with valid responses for every app except the first, whose response is configurable."""

    def __init__(self) -> None:
        self.serve_first_app: Serve = SOUND
        self.server: RawServer

    async def behave(self, writer: asyncio.StreamWriter, number: int) -> None:
        line = self.server.received[number].line
        day = datetime.strptime(line.split("date=")[1][:8], "%Y%m%d").date()  # noqa: DTZ007 - only the date
        serve = self.serve_first_app if f"/{APP_IDS[0]}/" in line else SOUND
        await serve(writer, body(date=day.isoformat()))


def nights(warehouse: Warehouse, *served: Serve) -> tuple[date, list[BatchResult]]:
    """Collect the same day of every app once per given response for the first app."""

    async def main() -> tuple[date, list[BatchResult]]:
        vendor = Vendor()
        async with raw_server(vendor.behave) as vendor.server:
            settings = account(vendor.server.base_url)
            now = datetime.now(UTC)
            yesterday = settings.today(now) - timedelta(days=1)
            apps = parse_apps([{"app_id": app_id, "collect_from": str(yesterday)} for app_id in APP_IDS])
            apps = [app.model_copy(update={"conn_id": settings.conn_id}) for app in apps]
            sync_and_plan(engine, settings, apps)
            summaries = []
            for vendor.serve_first_app in served:
                async with DashboardClient(settings, timeouts=SHORT) as client:
                    app_days = [(app_id, yesterday) for app_id in APP_IDS]
                    summaries.append(await collect(app_days, client, engine))
            return yesterday, summaries

    engine = warehouse_engine(warehouse.url("loader"))
    try:
        return asyncio.run(main())
    finally:
        engine.dispose()


def ledger(warehouse: Warehouse) -> dict[str, dict[str, object]]:
    rows = warehouse.rows("select app_day.*, app_id from core.app_day inner join core.app using (app_key)")
    return {row["app_id"]: row for row in rows}


def stored_responses(warehouse: Warehouse) -> list[tuple[int, bytes]]:
    """Return the stored responses for the first app, in order of arrival."""
    rows = warehouse.rows(
        "select http_status, body from raw.bandwidth_response where app_id = %s order by response_key",
        (APP_IDS[0],),
    )
    return [(row["http_status"], bytes(row["body"])) for row in rows]


@pytest.mark.parametrize("name", WIRE_POISON)
def test_a_bad_response_is_stored_and_yields_no_points(name: str, warehouse: Warehouse) -> None:
    poison = WIRE_POISON[name]

    day, (summary,) = nights(warehouse, poison.serve)

    rows = ledger(warehouse)
    faulty = rows.pop(APP_IDS[0])
    assert (faulty["state"], faulty["http_status"]) == (poison.state, poison.http_status), faulty["reason"]
    assert (faulty["points"], faulty["kbps"]) == (0, None)
    assert poison.reason in str(faulty["reason"])
    assert [row["kbps"] for row in rows.values()] == [POINTS, POINTS]
    assert (summary.requested, summary.received, summary.points_received) == (3, 2, 576)
    assert list(summary.failures) == [APP_IDS[0]]
    sound = body(date=day.isoformat())
    if poison.raw is None:
        assert stored_responses(warehouse) == []
    else:
        assert stored_responses(warehouse)[-1] == (poison.http_status, poison.raw(sound))


@pytest.mark.parametrize("name", WIRE_POISON)
def test_a_bad_response_removes_no_points_and_a_valid_one_restores_the_day(
    name: str, warehouse: Warehouse
) -> None:
    nights(warehouse, WIRE_POISON[name].serve, SOUND)
    restored = ledger(warehouse)
    assert {row["state"] for row in restored.values()} == {"collected"}
    assert [row["kbps"] for row in restored.values()] == [POINTS] * 3
    points = (
        "select app_id, state, points, kbps, body_sha256"
        " from core.app_day join core.app using (app_key) order by app_id"
    )
    before = warehouse.rows(points)
    nights(warehouse, WIRE_POISON[name].serve)
    assert warehouse.rows(points) == before


def test_a_wrong_charset_is_ignored_because_json_is_utf_8(warehouse: Warehouse) -> None:
    wrong = whole(lambda sound: http_response(200, sound, Content_Type="application/json; charset=utf-16"))
    _, (summary,) = nights(warehouse, wrong)
    assert summary.received == 3
    assert ledger(warehouse)[APP_IDS[0]]["kbps"] == POINTS


ECHOES = {
    "date": lambda _: http_response(200, body(date=CERTIFICATE)),
    "unit": lambda sound: http_response(200, sound.replace(b'"kbps"', f'"{CERTIFICATE.upper()}"'.encode())),
    "key": lambda _: http_response(200, f'{{"{CERTIFICATE}": 1}}'.encode()),
    "label": lambda sound: http_response(200, sound.replace(b'"00:05"', f'"{CERTIFICATE}"'.encode())),
    "a short part as unit": lambda sound: http_response(
        200, sound.replace(b'"kbps"', f'"{CERTIFICATE[:19]}"'.encode())
    ),
    "key twice": lambda sound: http_response(
        200, sound.replace(b"{", f'{{"{TOKEN}": 1, "{TOKEN}": 1,'.encode(), 1)
    ),
    "encoding": lambda sound: http_response(200, sound, Content_Encoding=CERTIFICATE),
    "encoding as a token": lambda sound: http_response(200, sound, Content_Encoding=f"basic {TOKEN}"),
    "message": lambda _: http_response(403, f'{{"message": "no {CERTIFICATE.upper()}"}}'.encode()),
}


@pytest.mark.parametrize("name", ECHOES)
def test_no_reason_repeats_a_secret(name: str, warehouse: Warehouse) -> None:
    day, (summary,) = nights(warehouse, whole(ECHOES[name]))
    texts = [str(summary.text()), str(summary.failures), str(ledger(warehouse)[APP_IDS[0]]["reason"])]
    assert texts[-1] != "None"
    if name != "a short part as unit":  # a replay has no secrets to compare with and shows short strings
        engine = warehouse_engine(warehouse.url("loader"))
        again = replay(engine, day, day)
        engine.dispose()
        texts += [str(again.text()), str(ledger(warehouse)[APP_IDS[0]]["reason"])]
    plain = [re.sub("[^a-z0-9]", "", text.lower()) for text in texts]
    for secret in (re.sub("[^a-z0-9]", "", secret.lower()) for secret in (CERTIFICATE, TOKEN)):
        pieces = [secret[at : at + 12] for at in range(len(secret) - 11)]
        assert not [text for text in plain for piece in pieces if piece in text], texts
