"""No secret from .env is in an image, a tracked file or a log."""

from __future__ import annotations

import base64
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator

from tests.distributed.engine.installation import Installation

CHUNK_BYTES = 1 << 22
TASK_LOGS = ("find", "/opt/airflow/logs", "-type", "f", "-exec", "cat", "{}", "+")


def secrets_to_find(installation: Installation) -> dict[str, bytes]:
    """Return the secrets, and the vendor account's credentials as sent over HTTP."""
    values = installation.values
    found = {name: value.encode() for name, value in installation.secrets.items()}
    account = f"{values['AGORA_SANDBOX_CUSTOMER_ID']}:{values['AGORA_SANDBOX_CUSTOMER_CERTIFICATE']}"
    found["Basic"] = base64.b64encode(account.encode())
    assert len(found) > 12
    assert all(len(value) >= 16 for value in found.values())
    return found


def secrets_in(installation: Installation, text: str) -> list[str]:
    return [name for name, value in secrets_to_find(installation).items() if value.decode() in text]


def chunks(installation: Installation, image: str) -> Iterator[tuple[str, bytes]]:
    """Yield the layers and the metadata of an image in overlapping chunks."""
    with tempfile.TemporaryFile() as saved:
        command = ["docker", "save", image]
        subprocess.run(command, env=installation.engine.environment(), stdout=saved, check=True)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as layers:
            for layer in layers:
                content = layers.extractfile(layer)
                before = b""
                # A layer is an uncompressed tar file, so it contains its files' bytes unchanged.
                while content and (chunk := content.read(CHUNK_BYTES)):
                    yield layer.name, before + chunk
                    before = chunk[-200:]


def test_no_secret_is_in_the_image_or_its_history(installation: Installation) -> None:
    (image,) = {c["Config"]["Image"] for c in installation.inspect() if "agora" in c["Config"]["Image"]}
    secrets = secrets_to_find(installation)
    # Finding a known text proves that the search works.
    secrets["the image's own text"] = b"Health checks for the containers"
    found = {
        name for _, chunk in chunks(installation, image) for name, value in secrets.items() if value in chunk
    }
    assert found == {"the image's own text"}
    history = installation.engine.docker("history", "--no-trunc", image).stdout
    assert "requirements/distributed.txt" in history
    assert secrets_in(installation, history) == []


def test_no_secret_is_in_a_tracked_file(installation: Installation) -> None:
    private = {".env", "docker-compose.override.yaml"}
    files = [
        path for path in installation.directory.rglob("*") if path.is_file() and path.name not in private
    ]
    secrets = secrets_to_find(installation)
    assert [path for path in files for value in secrets.values() if value in path.read_bytes()] == []
    assert (installation.directory / ".env").stat().st_mode & 0o077 == 0


def test_no_secret_is_in_container_logs(installation: Installation) -> None:
    logs = installation.compose("logs", "--no-color")
    assert "init: ready" in logs
    assert secrets_in(installation, logs) == []


def test_no_secret_is_in_task_logs(installation: Installation) -> None:
    installation.wait_for_run(installation.first_run())
    logs = installation.inside("worker", *TASK_LOGS)
    assert "collected" in logs
    assert secrets_in(installation, logs) == []
