"""A limit that nobody configured: everything arrives, hardly a 429, and nearly as fast as is allowed."""

from __future__ import annotations

from tests.bandwidth.collect.night import assert_true, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

LIMIT_PER_SECOND = 25
MOST_REFUSED = 0.02
LEAST_OF_LIMIT = 0.9


def test_a_hidden_limit_of_half_the_configured_rate(warehouse: Warehouse) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        night, days = (
            night_of(sandbox, warehouse, requests_per_second=2 * LIMIT_PER_SECOND),
            window_days(sandbox),
        )
        planned = night.plan()
        sandbox.put_rate_limit(LIMIT_PER_SECOND)
        sandbox.reset_stats()

        summary = night.collect(planned.app_days)

        stats = sandbox.stats()
        refused, accepted = stats["by_status"].get("429", 0), stats["by_status"]["200"]
        assert_true(night, sandbox, product(sandbox.app_ids, days))
        assert (summary.requests, summary.limited) == (stats["requests"], refused)
        assert summary.failures == {}
        assert 0 < refused < MOST_REFUSED * stats["requests"]
        accepted_per_second = accepted / stats["seconds_from_first_request_to_last_answer"]
        assert accepted_per_second > LEAST_OF_LIMIT * LIMIT_PER_SECOND
