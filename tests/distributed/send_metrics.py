"""Send every metric through Airflow's StatsD client, for a warehouse whose URL is the argument."""

from __future__ import annotations

import sys
import time

from agora.bandwidth.batch_result import STAGES, BatchResult
from agora.dag_support import metrics
from agora.warehouse.engine import warehouse_engine

SENT = BatchResult(
    requests=620,
    limited=7,
    received=600,
    points_received=172_800,
    changed=20,
    seconds=dict.fromkeys(STAGES, 1.5),
)

if __name__ == "__main__":
    metrics.report_batch("agora_dashboard", SENT)
    metrics.report_gauges(warehouse_engine(sys.argv[1]))
    time.sleep(0.1)  # the client sends UDP packets
