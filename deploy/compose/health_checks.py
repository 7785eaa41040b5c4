"""Health checks for the containers. Exit status 0 means healthy.

The checks are cheap enough to run every few seconds. Airflow's own commands load all of Airflow for each
check, which takes seconds of CPU time.
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.request import urlopen

HEARTBEAT = """
select 1 from job
where job_type = %s and hostname = %s and state = 'running'
    and latest_heartbeat > now() - interval '2 minutes'
"""


def responds(url: str, ca_file: str | None = None) -> bool:
    """Report whether a URL responds with HTTP 200."""
    trusted = ssl.create_default_context(cafile=ca_file) if ca_file else None
    with urlopen(url, timeout=10, context=trusted) as response:  # noqa: S310 - this container
        return bool(response.status == 200)


def has_heartbeat(job_type: str) -> bool:
    """Report whether Airflow's database has a heartbeat of this container's job from the last two minutes."""
    import psycopg2

    database = urlsplit(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    connection = psycopg2.connect(database._replace(scheme="postgresql").geturl(), connect_timeout=5)
    with connection, connection.cursor() as cursor:
        cursor.execute(HEARTBEAT, (job_type, socket.gethostname()))
        return cursor.fetchone() is not None


def worker_responds() -> bool:
    """Report whether this container's Celery worker responds through the broker."""
    from celery import Celery

    control = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"]).control
    return bool(control.ping(destination=[f"celery@{socket.gethostname()}"], timeout=5))


def api_server_responds() -> bool:
    """Report whether this container's api-server responds."""
    port = os.environ.get("AIRFLOW__API__PORT", "8080")
    return responds(f"http://127.0.0.1:{port}/api/v2/monitor/health")


CHECKS: dict[str, Callable[[], bool]] = {
    "api-server": api_server_responds,
    "scheduler": lambda: has_heartbeat("SchedulerJob"),
    "dag-processor": lambda: has_heartbeat("DagProcessorJob"),
    "triggerer": lambda: has_heartbeat("TriggererJob"),
    "worker": worker_responds,
    "sandbox": lambda: responds("https://sandbox:8090/_sandbox/health", "/opt/agora/certificates/ca.pem"),
}

if __name__ == "__main__":
    sys.exit(not CHECKS[sys.argv[1]]())
