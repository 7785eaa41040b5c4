"""Files with secrets: other users cannot read them, from the first byte on."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.errors import RefusedError
from deploy.local.secret_files import load_or_create_secrets, load_secrets, write_private
from deploy.local.settings import Settings, read_dotenv
from tests.deploy.local.test_commands import run
from tests.support.paths import ROOT

CERTIFICATE = "3d5e8f0a1b2c4d6e"
ANOTHER_UID = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can give a file to another user.")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """Return the path of a filled-in copy of the example."""
    path = tmp_path / ".env"
    path.write_text(f"AGORA_ADMIN_PASSWORD={CERTIFICATE}")
    path.chmod(0o644)
    return path


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


# `make up` and later commands read these files.


@pytest.mark.parametrize("given", [0o644, 0o640, 0o604, 0o666, 0o660, 0o620, 0o777])
def test_a_file_that_other_users_can_read_is_closed_and_named(
    env: Path, given: int, capsys: pytest.CaptureFixture[str]
) -> None:
    env.chmod(given)
    assert read_dotenv(env) == {"AGORA_ADMIN_PASSWORD": CERTIFICATE}
    assert mode(env) == 0o600
    printed = capsys.readouterr()
    assert f"{env} (mode {given:04o}). Its mode is now 0600." in printed.err
    assert CERTIFICATE not in printed.err
    assert printed.out == ""
    read_dotenv(env)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("given", [0o600, 0o400])
def test_a_closed_file_stays_as_it_is(env: Path, given: int, capsys: pytest.CaptureFixture[str]) -> None:
    env.chmod(given)
    assert read_dotenv(env)
    assert mode(env) == given
    assert capsys.readouterr().err == ""


def as_link(env: Path) -> None:
    env.rename(env.with_name("elsewhere"))
    env.symlink_to("elsewhere")


def as_dangling_link(env: Path) -> None:
    env.unlink()
    env.symlink_to("nowhere")


def as_directory(env: Path) -> None:
    env.unlink()
    env.mkdir()


def as_pipe(env: Path) -> None:
    env.unlink()
    os.mkfifo(env)


def as_another_users(env: Path) -> None:
    os.chown(env, ANOTHER_UID, ANOTHER_UID)


REFUSED = [
    pytest.param(as_link, "is a link", id="link"),
    pytest.param(as_dangling_link, "is a link", id="dangling link"),
    pytest.param(as_directory, "is not a regular file", id="directory"),
    pytest.param(as_pipe, "is not a regular file", id="pipe"),
    pytest.param(as_another_users, "belongs to another user", id="another user's", marks=as_root),
]


@pytest.mark.parametrize(("spoil", "reason"), REFUSED)
def test_a_file_that_cannot_be_closed_is_refused(
    env: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(env)
    with pytest.raises(RefusedError, match=reason) as refused:
        read_dotenv(env)
    assert CERTIFICATE not in str(refused.value)


def test_a_file_system_without_modes_is_refused(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fchmod", lambda *_: None)  # as on a file system without permissions
    with pytest.raises(RefusedError, match="cannot be changed to 0600"):
        read_dotenv(env)


def test_a_copy_of_the_stacks_secrets_is_closed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings.secrets_path
    secrets = load_or_create_secrets(path)
    path.chmod(0o644)
    assert load_secrets(path) == secrets
    assert mode(path) == 0o600
    assert "Its mode is now 0600" in capsys.readouterr().err


@pytest.mark.skipif(not (ROOT / ".venv/bin/python").exists(), reason="bin/ uses .venv, which is not here.")
def test_a_command_reports_it_once_and_on_standard_error(settings: Settings) -> None:
    path = settings.secrets_path
    load_or_create_secrets(path)
    path.chmod(0o644)
    first, second = (run(settings, str(ROOT / "bin" / "psql"), "-c", "select 1") for _ in range(2))
    assert "Its mode is now 0600" in first.stderr
    assert "Its mode is now 0600" not in first.stdout + second.stderr


# The stack writes these files.


@pytest.mark.usefixtures("open_umask")
def test_files_and_directories_are_private_under_any_umask(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "state", 1, 2, 3)
    settings.make_directories()
    assert {mode(path) for path in (settings.state, *settings.state.iterdir())} == {0o700}
    earlier = settings.state / f"secret.{os.getpid()}.new"
    earlier.touch(mode=0o666)
    write_private(settings.state / "secret", CERTIFICATE)
    assert mode(settings.state / "secret") == 0o600


# `make secrets`, and the Secrets of Kubernetes.


def script(
    env: Path, name: str = "deploy/compose/secrets.sh", path: str = ""
) -> subprocess.CompletedProcess[str]:
    copy = env.parent / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / name, copy)
    return subprocess.run(
        ["sh", "-c", f"umask 000; sh {name}"],
        cwd=env.parent,
        env={"PATH": f"{path}:{os.environ['PATH']}".lstrip(":")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_secrets_closes_a_copy_of_the_example_and_reports_it(env: Path) -> None:
    done = script(env)
    assert done.returncode == 0
    assert "Its mode is now 0600" in done.stderr
    assert f"AGORA_ADMIN_PASSWORD={CERTIFICATE}\nAGORA_POSTGRES_PASSWORD=" in env.read_text()
    assert mode(env) == 0o600
    assert script(env).stderr == ""


def test_make_secrets_creates_the_file_private_before_it_writes(env: Path) -> None:
    env.unlink()
    without_chmod = env.parent / "bin"
    without_chmod.mkdir()
    (without_chmod / "chmod").symlink_to(shutil.which("true") or "/bin/true")
    done = script(env, path=str(without_chmod))
    assert (done.returncode, done.stderr) == (0, "")
    assert mode(env) == 0o600


@pytest.mark.parametrize(("spoil", "_reason"), REFUSED)
def test_make_secrets_refuses_a_file_that_cannot_be_closed(
    env: Path, spoil: Callable[[Path], None], _reason: str
) -> None:
    spoil(env)
    done = script(env)
    assert done.returncode == 1
    assert "regular file that belongs to you" in done.stderr
    assert not (env.parent / "nowhere").exists()


def test_the_secrets_of_kubernetes_require_a_private_file(env: Path) -> None:
    done = script(env, "deploy/kubernetes/secrets.sh")
    assert done.returncode == 1
    assert "other users can read it. Run `make secrets`" in done.stderr
