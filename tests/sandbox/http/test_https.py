"""HTTPS: a host name, and a certificate that clients trust through one file."""

from __future__ import annotations

import http.client
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.paths import ROOT

BASE_URL = re.compile(r"Base URL: https://localhost:([0-9]+)/dev/v2")


@contextmanager
def https_sandbox(directory: Path) -> Iterator[int]:
    """Start a sandbox under the host name localhost, and yield its port."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--https", "localhost", str(directory)]
    environment = {**os.environ, "SANDBOX_CUSTOMER_ID": "c", "SANDBOX_CUSTOMER_CERTIFICATE": "secret"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield next(int(found[1]) for line in process.stdout if (found := BASE_URL.search(line)))
        finally:
            process.terminate()


def status(port: int, trusted: ssl.SSLContext, host: str = "localhost") -> int:
    connection = http.client.HTTPSConnection("localhost", port, context=trusted, timeout=30)
    connection.request("GET", "/_sandbox/health", headers={"Host": f"{host}:{port}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def test_clients_need_the_certificate_file(tmp_path: Path) -> None:
    with https_sandbox(tmp_path) as port:
        assert [file.name for file in tmp_path.iterdir()] == ["ca.pem"]
        assert "PRIVATE KEY" not in (tmp_path / "ca.pem").read_text()
        trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        assert status(port, trusted) == 200
        assert status(port, trusted, host="elsewhere.example") == 403
        with pytest.raises(ssl.SSLCertVerificationError):
            status(port, ssl.create_default_context())


def test_names_a_directory_that_is_not_writable(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--https", "localhost", absent]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert absent in ended.stderr
    assert "Traceback" not in ended.stderr
