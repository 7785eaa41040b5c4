"""No secret of .env is in an image, in what is tracked, or in a log."""

from __future__ import annotations

import base64
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator

from tests.distributed.engine.installation import Installation

PIECE = 1 << 22
TASK_LOGS = ("find", "/opt/airflow/logs", "-type", "f", "-exec", "cat", "{}", "+")


def sought(installation: Installation) -> dict[str, bytes]:
    """The secrets, and the vendor account's as it goes over the line."""
    values = installation.values
    found = {name: value.encode() for name, value in installation.secrets.items()}
    account = f"{values['AGORA_SANDBOX_CUSTOMER_ID']}:{values['AGORA_SANDBOX_CUSTOMER_CERTIFICATE']}"
    found["Basic"] = base64.b64encode(account.encode())
    assert len(found) > 12
    assert all(len(value) >= 16 for value in found.values())
    return found


def in_text(installation: Installation, text: str) -> list[str]:
    return [name for name, value in sought(installation).items() if value.decode() in text]


def pieces(installation: Installation, image: str) -> Iterator[tuple[str, bytes]]:
    """Yield every file of every layer of an image, and its description, in pieces that overlap."""
    with tempfile.TemporaryFile() as saved:
        command = ["docker", "save", image]
        subprocess.run(command, env=installation.engine.environment(), stdout=saved, check=True)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as layers:
            for layer in layers:
                content = layers.extractfile(layer)
                before = b""
                # A layer is a tar file, not compressed: its files' bytes stand in it as they are.
                while content and (piece := content.read(PIECE)):
                    yield layer.name, before + piece
                    before = piece[-200:]


def test_no_secret_is_in_the_image_or_its_history(installation: Installation) -> None:
    (image,) = {c["Config"]["Image"] for c in installation.inspect() if "agora" in c["Config"]["Image"]}
    secrets = sought(installation)
    # The search finds what is there.
    secrets["the image's own text"] = b"Health checks of the containers"
    found = {
        name for _, piece in pieces(installation, image) for name, value in secrets.items() if value in piece
    }
    assert found == {"the image's own text"}
    history = installation.engine.docker("history", "--no-trunc", image).stdout
    assert "requirements/distributed.txt" in history
    assert in_text(installation, history) == []


def test_no_secret_is_in_what_is_tracked(installation: Installation) -> None:
    kept_private = {".env", "docker-compose.override.yaml"}
    files = [
        path for path in installation.directory.rglob("*") if path.is_file() and path.name not in kept_private
    ]
    secrets = sought(installation)
    assert [path for path in files for value in secrets.values() if value in path.read_bytes()] == []
    assert (installation.directory / ".env").stat().st_mode & 0o077 == 0


def test_no_secret_is_in_the_containers_logs(installation: Installation) -> None:
    logs = installation.compose("logs", "--no-color")
    assert "init: ready" in logs
    assert in_text(installation, logs) == []


def test_no_secret_is_in_the_tasks_logs(installation: Installation) -> None:
    installation.ended(installation.first_run())
    logs = installation.inside("worker", *TASK_LOGS)
    assert "collected" in logs
    assert in_text(installation, logs) == []
