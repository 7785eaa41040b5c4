"""Dates with a mistyped year are refused in settings and forms, with a suggested correction."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from agora.date_checks import require_plausible_date
from agora.errors import SettingsError
from agora.settings.apps import parse_apps

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize("field", ["collect_from", "collect_until"])
def test_a_setting_refuses_a_date_before_the_vendor_began(field: str) -> None:
    assert getattr(parse_apps([{"app_id": "a1", field: "2014-01-01"}])[0], field) == date(2014, 1, 1)
    assert getattr(parse_apps([{"app_id": "a1", field: "2016-02-29"}])[0], field) == date(2016, 2, 29)
    year = datetime.now(UTC).year
    for value in ("2013-12-31", f"02{year % 100}-11-01", "0001-01-01", "1904-02-29"):
        with pytest.raises(SettingsError) as refused:
            parse_apps([{"app_id": "a1", field: value}])
        place = f"0.{field} (app a1)"
        assert f"{place}: {field} {value} is before 2014, when the vendor began: did you mean 20" in (
            str(refused.value)
        )
    with pytest.raises(SettingsError, match=rf"did you mean {year}-11-01\?"):
        parse_apps([{"app_id": "a1", field: f"02{year % 100}-11-01"}])


@pytest.mark.parametrize("value", [*(TODAY - timedelta(days) for days in (-9999, -1, 0, 399, 400)), date.max])
def test_a_form_accepts_the_last_400_days(value: date) -> None:
    require_plausible_date("from_date", value, TODAY)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            TODAY - timedelta(401),
            "from_date 2025-10-24 is 401 days before today (2026-11-29). Forms accept dates from the last 400"
            " days: did you mean 2026-10-24?",
        ),
        (date(2016, 11, 1), "from_date 2016-11-01 is 3,680 days before today (2026-11-29). "),
        (date(2016, 11, 1), "did you mean 2026-11-01?"),
        (date(206, 11, 1), "from_date 0206-11-01 is 664,"),
        (date(206, 11, 1), "did you mean 2026-11-01?"),
        (date(2016, 12, 24), "did you mean 2025-12-24?"),
        (date(2016, 2, 29), "Forms accept dates from the last 400 days. See"),
        (date.min, "from_date 0001-01-01 is "),
    ],
)
def test_a_form_refuses_an_earlier_date(value: date, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        require_plausible_date("from_date", value, TODAY)
    assert sentence in str(refused.value)
