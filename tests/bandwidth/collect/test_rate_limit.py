"""Under an unconfigured limit, everything is collected with few 429s and almost at the limit."""

from __future__ import annotations

from tests.bandwidth.collect.night import assert_collected, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

LIMIT_PER_SECOND = 25
MAX_THROTTLED_SHARE = 0.02
MIN_SHARE_OF_LIMIT = 0.9


def test_a_hidden_limit_at_half_the_configured_rate_is_followed(warehouse: Warehouse) -> None:
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
        throttled, accepted = stats["by_status"].get("429", 0), stats["by_status"]["200"]
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
        assert (summary.requests, summary.limited) == (stats["requests"], throttled)
        assert summary.failures == {}
        assert 0 < throttled < MAX_THROTTLED_SHARE * stats["requests"]
        accepted_per_second = accepted / stats["seconds_from_first_request_to_last_answer"]
        assert accepted_per_second > MIN_SHARE_OF_LIMIT * LIMIT_PER_SECOND
