"""Celery with four workers and the LocalExecutor produce the same points, ledger and bills."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live
from tests.distributed.plain import workers

# Times of events, and keys that only join tables.
SKIP = "array['app_key', 'collected_at', 'fetched_at', 'first_seen_at', 'verified_at']"
RELATIONS = {
    "core.app_day": "core.app_day inner join core.app using (app_key)",
    **{
        name: name
        for name in (
            "mart.bandwidth_5min",
            "mart.bandwidth_daily",
            "mart.coverage",
            "mart.billing_monthly",
            "mart.billing_monthly_total",
        )
    },
}


def figures(live: Live) -> dict[str, tuple[int, str]]:
    """Return the number of rows in each relation, and their digest."""
    found = {}
    for name, relation in RELATIONS.items():
        statement = (
            f"select count(*), md5(string_agg(content, chr(10) order by content)) from"
            f" (select (to_jsonb(one) - {SKIP})::text as content"
            f" from (select * from {relation}) as one) as each"
        )
        found[name] = live.sql(statement)[0]
    return found


def test_celery_and_the_local_executor_produce_the_same_figures(live: Live) -> None:
    installation = live.installation
    # Four batches, one for each worker.
    installation.start(*workers(4), AIRFLOW__CELERY__WORKER_CONCURRENCY="1")
    with live.accounts(4):
        celery_run = live.run_on(workers(4))
    celery_figures = figures(live)

    installation.stop(*workers(4), "redis")
    installation.start("scheduler", AIRFLOW__CORE__EXECUTOR="LocalExecutor")
    live.reset()
    with live.accounts(4):
        local_run = live.trigger(DAILY)

    assert (celery_run.state, local_run.state) == ("success", "success"), celery_run.note + local_run.note
    assert live.hosts(local_run.run_id) == {"scheduler"}
    assert figures(live) == celery_figures
    assert celery_figures["core.app_day"][0] == len(live.truth())
    assert celery_figures["mart.bandwidth_5min"][0] == 288 * len(live.truth())
