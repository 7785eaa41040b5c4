"""Bad answers over real HTTP, through to the warehouse: no bad point, the reason stated, the bytes kept."""

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
from tests.bandwidth.answers import body
from tests.bandwidth.collect.night import configured_and_planned
from tests.bandwidth.collect.wire_poison import WIRE_POISON, Serve, whole
from tests.client.push_stream_requests import CERTIFICATE, account
from tests.client.raw_server import RawServer, answer, raw_server
from tests.warehouse.database import Warehouse

APP_IDS = ["struck", "one", "other"]
TOKEN = b64encode(f"customer:{CERTIFICATE}".encode()).decode()
SHORT = Timeouts(total_seconds=0.5)
SOUND = whole(lambda sound: answer(200, sound))
POINTS = [float(slot) for slot in range(288)]


class Vendor:
    """A server with a sound answer for every app but the first, which is served as told."""

    def __init__(self) -> None:
        self.to_the_struck: Serve = SOUND
        self.server: RawServer

    async def behave(self, writer: asyncio.StreamWriter, number: int) -> None:
        line = self.server.received[number].line
        day = datetime.strptime(line.split("date=")[1][:8], "%Y%m%d").date()  # noqa: DTZ007 - only the date
        serve = self.to_the_struck if f"/{APP_IDS[0]}/" in line else SOUND
        await serve(writer, body(date=day.isoformat()))


def nights(warehouse: Warehouse, *served: Serve) -> tuple[date, list[BatchResult]]:
    """Collect the same day of every app as often as there are ways to serve the first one."""

    async def main() -> tuple[date, list[BatchResult]]:
        vendor = Vendor()
        async with raw_server(vendor.behave) as vendor.server:
            settings = account(vendor.server.base_url)
            now = datetime.now(UTC)
            yesterday = settings.today(now) - timedelta(days=1)
            apps = parse_apps([{"app_id": app_id, "collect_from": str(yesterday)} for app_id in APP_IDS])
            apps = [app.model_copy(update={"conn_id": settings.conn_id}) for app in apps]
            configured_and_planned(engine, settings, apps)
            summaries = []
            for vendor.to_the_struck in served:
                async with DashboardClient(settings, timeouts=SHORT) as client:
                    asked = [(app_id, yesterday) for app_id in APP_IDS]
                    summaries.append(await collect(asked, client, engine))
            return yesterday, summaries

    engine = warehouse_engine(warehouse.url("loader"))
    try:
        return asyncio.run(main())
    finally:
        engine.dispose()


def ledger(warehouse: Warehouse) -> dict[str, dict[str, object]]:
    rows = warehouse.rows("select app_day.*, app_id from core.app_day inner join core.app using (app_key)")
    return {row["app_id"]: row for row in rows}


def kept(warehouse: Warehouse) -> list[tuple[int, bytes]]:
    """Return what is kept of the struck app's answers, in order of arrival."""
    rows = warehouse.rows(
        "select http_status, body from raw.bandwidth_response where app_id = %s order by response_key",
        (APP_IDS[0],),
    )
    return [(row["http_status"], bytes(row["body"])) for row in rows]


@pytest.mark.parametrize("name", WIRE_POISON)
def test_a_bad_answer_is_kept_and_yields_no_point(name: str, warehouse: Warehouse) -> None:
    poison = WIRE_POISON[name]

    day, (summary,) = nights(warehouse, poison.serve)

    rows = ledger(warehouse)
    struck = rows.pop(APP_IDS[0])
    assert (struck["state"], struck["http_status"]) == (poison.state, poison.http_status), struck["reason"]
    assert (struck["points"], struck["kbps"]) == (0, None)
    assert poison.reason in str(struck["reason"])
    assert [row["kbps"] for row in rows.values()] == [POINTS, POINTS]
    assert (summary.requested, summary.received, summary.points_received) == (3, 2, 576)
    assert list(summary.failures) == [APP_IDS[0]]
    sound = body(date=day.isoformat())
    if poison.raw is None:
        assert kept(warehouse) == []
    else:
        assert kept(warehouse)[-1] == (poison.http_status, poison.raw(sound))


@pytest.mark.parametrize("name", WIRE_POISON)
def test_a_bad_answer_takes_no_point_away_and_a_good_one_heals_it(name: str, warehouse: Warehouse) -> None:
    nights(warehouse, WIRE_POISON[name].serve, SOUND)
    healed = ledger(warehouse)
    assert {row["state"] for row in healed.values()} == {"collected"}
    assert [row["kbps"] for row in healed.values()] == [POINTS] * 3
    points = (
        "select app_id, state, points, kbps, body_sha256"
        " from core.app_day join core.app using (app_key) order by app_id"
    )
    before = warehouse.rows(points)
    nights(warehouse, WIRE_POISON[name].serve)
    assert warehouse.rows(points) == before


def test_a_charset_that_is_not_so_does_not_matter_as_json_is_utf_8(warehouse: Warehouse) -> None:
    wrong = whole(lambda sound: answer(200, sound, Content_Type="application/json; charset=utf-16"))
    _, (summary,) = nights(warehouse, wrong)
    assert summary.received == 3
    assert ledger(warehouse)[APP_IDS[0]]["kbps"] == POINTS


ECHOES = {
    "date": lambda _: answer(200, body(date=CERTIFICATE)),
    "unit": lambda sound: answer(200, sound.replace(b'"kbps"', f'"{CERTIFICATE.upper()}"'.encode())),
    "key": lambda _: answer(200, f'{{"{CERTIFICATE}": 1}}'.encode()),
    "label": lambda sound: answer(200, sound.replace(b'"00:05"', f'"{CERTIFICATE}"'.encode())),
    "a short piece as unit": lambda sound: answer(
        200, sound.replace(b'"kbps"', f'"{CERTIFICATE[:19]}"'.encode())
    ),
    "key twice": lambda sound: answer(200, sound.replace(b"{", f'{{"{TOKEN}": 1, "{TOKEN}": 1,'.encode(), 1)),
    "encoding": lambda sound: answer(200, sound, Content_Encoding=CERTIFICATE),
    "encoding as a token": lambda sound: answer(200, sound, Content_Encoding=f"basic {TOKEN}"),
    "message": lambda _: answer(403, f'{{"message": "no {CERTIFICATE.upper()}"}}'.encode()),
}


@pytest.mark.parametrize("name", ECHOES)
def test_no_reason_repeats_a_secret(name: str, warehouse: Warehouse) -> None:
    day, (summary,) = nights(warehouse, whole(ECHOES[name]))
    said = [str(summary.text()), str(summary.failures), str(ledger(warehouse)[APP_IDS[0]]["reason"])]
    assert said[-1] != "None"
    if name != "a short piece as unit":  # a replay knows no secrets, and shows short texts
        engine = warehouse_engine(warehouse.url("loader"))
        again = replay(engine, day, day)
        engine.dispose()
        said += [str(again.text()), str(ledger(warehouse)[APP_IDS[0]]["reason"])]
    plain = [re.sub("[^a-z0-9]", "", text.lower()) for text in said]
    for secret in (re.sub("[^a-z0-9]", "", secret.lower()) for secret in (CERTIFICATE, TOKEN)):
        pieces = [secret[at : at + 12] for at in range(len(secret) - 11)]
        assert not [text for text in plain for piece in pieces if piece in text], said
