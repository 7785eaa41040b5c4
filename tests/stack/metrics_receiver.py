"""Where metrics arrive in tests: a collector of OpenTelemetry over HTTP."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.support.paths import ROOT


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


class Collector:
    """What has arrived at a collector, in the order in which it did.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, url: str, kept: Path) -> None:
        self.url = url
        self._kept = kept

    @property
    def samples(self) -> list[Sample]:
        return [Sample(**json.loads(line)) for line in self._kept.read_text().splitlines()]

    def of(self, name: str) -> list[Sample]:
        """Return the samples of a metric."""
        return [sample for sample in self.samples if sample.name == name]

    def forget(self) -> None:
        """Forget what has arrived."""
        self._kept.write_text("")


@contextmanager
def running_collector(directory: Path) -> Iterator[Collector]:
    """Run a collector in a process of its own: tests that may open no socket run beside it."""
    kept = directory / "samples.jsonl"
    kept.touch()
    command = [sys.executable, "-m", "tests.stack.metrics_receiver", str(kept)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Collector(process.stdout.readline().strip(), kept)
        finally:
            process.terminate()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        samples = _samples(ExportMetricsServiceRequest.FromString(body))
        with Path(sys.argv[1]).open("a") as kept:
            kept.write("".join(json.dumps(asdict(sample)) + "\n" for sample in samples))
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


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)  # noqa: T201 - who started us reads it
    server.serve_forever()
