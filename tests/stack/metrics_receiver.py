"""An OpenTelemetry collector over HTTP that records the metrics it receives, for tests."""

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
    """One exported value of a metric.

    Attributes:
        kind: gauge, sum or exponential_histogram.
        value: The value of a gauge or counter, or the sum of a timer's durations in milliseconds.
    """

    name: str
    kind: str
    tags: dict[str, str]
    value: float


class Collector:
    """The metrics that a running collector has received, in the order of their arrival.

    Attributes:
        url: The address at which the collector listens.
    """

    def __init__(self, url: str, file: Path) -> None:
        self.url = url
        self._file = file

    @property
    def samples(self) -> list[Sample]:
        return [Sample(**json.loads(line)) for line in self._file.read_text().splitlines()]

    def samples_of(self, name: str) -> list[Sample]:
        """Return the samples of one metric."""
        return [sample for sample in self.samples if sample.name == name]

    def clear(self) -> None:
        """Delete the received samples."""
        self._file.write_text("")


@contextmanager
def running_collector(directory: Path) -> Iterator[Collector]:
    """Run a collector in its own process, because other tests in this process may not open sockets."""
    file = directory / "samples.jsonl"
    file.touch()
    command = [sys.executable, "-m", "tests.stack.metrics_receiver", str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Collector(process.stdout.readline().strip(), file)
        finally:
            process.terminate()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        samples = _samples(ExportMetricsServiceRequest.FromString(body))
        with Path(sys.argv[1]).open("a") as file:
            file.write("".join(json.dumps(asdict(sample)) + "\n" for sample in samples))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


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
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)  # noqa: T201 - the parent process reads it
    server.serve_forever()
