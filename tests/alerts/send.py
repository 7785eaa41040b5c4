"""Sends one alert as the callbacks do, in a process of its own: Airflow stays out of the tests' process.

Its argument is what the run noted; whom to tell comes from the environment. Prints whether one way worked.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from agora import callbacks
from agora.alerts.incident import Failure, message
from agora.dag_support.variables import configured_alerts

if __name__ == "__main__":
    failure = Failure("some_dag", "some_run", "http://localhost/run", sys.argv[1])
    news = message(failure, None, datetime.now(UTC))
    assert news is not None
    sys.stdout.write(str(callbacks._send(configured_alerts(), news, failure)))
