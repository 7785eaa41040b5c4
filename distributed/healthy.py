"""Health checks of the containers, cheap enough for every few seconds: exit status 0 is healthy.

Airflow's own commands for this load all of Airflow, for seconds of a core at each check.
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.request import urlopen

HEARTBEATS = """
select 1 from job
where job_type = %s and hostname = %s and state = 'running'
    and latest_heartbeat > now() - interval '2 minutes'
"""


def answers(url: str, ca_file: str | None = None) -> bool:
    """Whether something answers there."""
    trusted = ssl.create_default_context(cafile=ca_file) if ca_file else None
    with urlopen(url, timeout=10, context=trusted) as answer:  # noqa: S310 - this container
        return bool(answer.status == 200)


def lives(kind: str) -> bool:
    """Whether this container's part of Airflow has lately said that it lives."""
    import psycopg2

    database = urlsplit(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    connection = psycopg2.connect(database._replace(scheme="postgresql").geturl(), connect_timeout=5)
    with connection, connection.cursor() as cursor:
        cursor.execute(HEARTBEATS, (kind, socket.gethostname()))
        return cursor.fetchone() is not None


def worker() -> bool:
    """Whether this container's worker answers over the broker."""
    from celery import Celery

    control = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"]).control
    return bool(control.ping(destination=[f"celery@{socket.gethostname()}"], timeout=5))


def api_server() -> bool:
    """Whether this container's api-server answers."""
    port = os.environ.get("AIRFLOW__API__PORT", "8080")
    return answers(f"http://127.0.0.1:{port}/api/v2/monitor/health")


CHECKS: dict[str, Callable[[], bool]] = {
    "api-server": api_server,
    "scheduler": lambda: lives("SchedulerJob"),
    "dag-processor": lambda: lives("DagProcessorJob"),
    "triggerer": lambda: lives("TriggererJob"),
    "worker": worker,
    "sandbox": lambda: answers("https://sandbox:8090/_sandbox/health", "/opt/agora/certificates/ca.pem"),
}

if __name__ == "__main__":
    sys.exit(not CHECKS[sys.argv[1]]())
