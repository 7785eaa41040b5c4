"""The same run on Celery with four workers and on the LocalExecutor: the same points, ledger and bills."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live
from tests.distributed.plain import workers

# Whatever says when something happened, and keys that only join tables.
BUT = "array['app_key', 'collected_at', 'fetched_at', 'first_seen_at', 'verified_at']"
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
    """Return how many rows each relation has, and their digest."""
    found = {}
    for name, relation in RELATIONS.items():
        statement = (
            f"select count(*), md5(string_agg(said, chr(10) order by said)) from"
            f" (select (to_jsonb(one) - {BUT})::text as said from (select * from {relation}) as one) as each"
        )
        found[name] = live.sql(statement)[0]
    return found


def test_the_figures_are_those_of_the_local_executor(live: Live) -> None:
    installation = live.installation
    # Four batches, and no worker takes two of them at once.
    installation.start(*workers(4), AIRFLOW__CELERY__WORKER_CONCURRENCY="1")
    with live.accounts(4):
        four = live.spread_over(workers(4))
    of_four = figures(live)

    installation.stop(*workers(4), "redis")
    installation.start("scheduler", AIRFLOW__CORE__EXECUTOR="LocalExecutor")
    live.start_afresh()
    with live.accounts(4):
        local = live.trigger(DAILY)

    assert (four.state, local.state) == ("success", "success"), four.note + local.note
    assert live.hosts(local.run_id) == {"scheduler"}
    assert figures(live) == of_four
    assert of_four["core.app_day"][0] == len(live.truth())
    assert of_four["mart.bandwidth_5min"][0] == 288 * len(live.truth())
