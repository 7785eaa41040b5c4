"""Where metrics arrive in tests: a collector of OpenTelemetry over HTTP in the test's own process."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


@dataclass(frozen=True)
class Sample:
    """One value of a metric, as it was sent.

    Attributes:
        kind: gauge, sum or exponential_histogram.
        value: Of a gauge or a counter; of a timer, the sum of all its times in milliseconds.
    """

    name: str
    kind: str
    tags: dict[str, str]
    value: float


class Collector(ThreadingHTTPServer):
    """Keeps every sample, in the order in which they arrive."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.samples: list[Sample] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def of(self, name: str) -> list[Sample]:
        """Return the samples of a metric."""
        return [sample for sample in self.samples if sample.name == name]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        self.server.samples += _samples(ExportMetricsServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _samples(request: Any) -> Iterator[Sample]:
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                for point in getattr(metric, kind).data_points:
                    tags = {tag.key: tag.value.string_value for tag in point.attributes}
                    yield Sample(metric.name, kind, tags, _value(point))


def _value(point: Any) -> float:
    if hasattr(point, "sum"):
        return float(point.sum)
    return float(getattr(point, point.WhichOneof("value")))


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector in a thread for the length of a `with`."""
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()
