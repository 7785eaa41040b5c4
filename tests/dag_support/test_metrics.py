"""A failure to send metrics fails no task, and without a metrics receiver the warehouse is not queried."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

from agora.bandwidth.batch_result import BatchResult
from agora.dag_support import metrics

Sent = list[tuple[str, str, Any, Any]]


class Client:
    """Records the metrics sent, or raises an error like one of Airflow's clients."""

    def __init__(self, sent: Sent, error: Exception | None) -> None:
        self.sent = sent
        self.error = error

    def __getattr__(self, kind: str) -> Any:
        def send(name: str, value: Any, tags: Any = None) -> None:
            if self.error:
                raise self.error
            self.sent.append((kind, name, value, tags))

        return send


@pytest.fixture
def sent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Return the recorded metrics. The parameter is the error that sending raises."""
    sent: Sent = []
    monkeypatch.setattr(metrics, "stats", Client(sent, getattr(request, "param", None)))
    return sent


@pytest.fixture
def unreachable() -> Engine:
    """Return an engine for an unreachable warehouse."""
    return create_engine("postgresql+psycopg2://loader:secret-of-loader@127.0.0.1:1/warehouse")


def test_metrics_of_a_batch_are_tagged_with_its_account(sent: Sent) -> None:
    summary = BatchResult(requests=7, received=5, points_received=1_440, changed=3, seconds={"fetch": 1.5})
    metrics.report_batch("second_account", summary)
    tags = {"conn_id": "second_account"}
    counters = {
        metrics.REQUESTS: 7,
        metrics.LIMITED: 0,
        metrics.RECEIVED: 5,
        metrics.POINTS_RECEIVED: 1_440,
        metrics.CHANGED: 3,
    }
    assert sent[:5] == [("incr", name, count, tags) for name, count in counters.items()]
    assert [(kind, name, value.total_seconds(), tag) for kind, name, value, tag in sent[5:]] == [
        ("timing", "agora.duration.fetch", 1.5, tags)
    ]


def test_a_failing_stage_sends_no_duration(sent: Sent) -> None:
    with pytest.raises(ZeroDivisionError), metrics.report_duration("check"):
        raise ZeroDivisionError
    assert sent == []


@pytest.mark.parametrize("sent", [OSError("no route"), ValueError("no number")], indirect=True)
def test_a_failing_client_does_not_fail_the_task(sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        metrics.report_batch("agora_dashboard", BatchResult(requests=7))
        with metrics.report_duration("refresh"):
            pass
    assert caplog.text.count("Metrics were not sent: ") == 2


def test_without_a_metrics_receiver_the_warehouse_is_not_queried(
    unreachable: Engine, sent: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for switch in metrics.SWITCHES:
        monkeypatch.delenv(f"AIRFLOW__METRICS__{switch.upper()}", raising=False)
    metrics.report_gauges(unreachable)
    assert (sent, caplog.text) == ([], "")


@pytest.mark.parametrize("switch", metrics.SWITCHES)
def test_an_unreachable_warehouse_does_not_fail_the_task(
    unreachable: Engine,
    sent: Sent,
    switch: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(f"AIRFLOW__METRICS__{switch.upper()}", "True")
    metrics.report_gauges(unreachable)
    assert f"Metrics were not sent: {OperationalError.__name__}" in caplog.text
    assert "secret-of-loader" not in caplog.text
    assert sent == []
