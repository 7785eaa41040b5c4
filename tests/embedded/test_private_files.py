"""Files with secrets: closed to other users from the first byte on, wherever they are read or written."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedded import dotenv, secrets_file
from embedded.errors import RefusedError
from embedded.private_file import write_private
from embedded.settings import ROOT, Settings
from tests.embedded.test_commands import run

CERTIFICATE = "3d5e8f0a1b2c4d6e"
ANOTHER_UID = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can give a file to another user.")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """A copy of the example, filled in."""
    path = tmp_path / ".env"
    path.write_text(f"AGORA_ADMIN_PASSWORD={CERTIFICATE}")
    path.chmod(0o644)
    return path


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


# Read by `make up` and what comes after it.


@pytest.mark.parametrize("given", [0o644, 0o640, 0o604, 0o666, 0o660, 0o620, 0o777])
def test_an_open_file_is_closed_and_named(env: Path, given: int, capsys: pytest.CaptureFixture[str]) -> None:
    env.chmod(given)
    assert dotenv.read(env) == {"AGORA_ADMIN_PASSWORD": CERTIFICATE}
    assert mode(env) == 0o600
    said = capsys.readouterr()
    assert f"{env} was open to other users (mode {given:04o}). Its mode is now 0600." in said.err
    assert CERTIFICATE not in said.err
    assert said.out == ""
    dotenv.read(env)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("given", [0o600, 0o400])
def test_a_closed_file_stays_as_it_is(env: Path, given: int, capsys: pytest.CaptureFixture[str]) -> None:
    env.chmod(given)
    assert dotenv.read(env)
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
    pytest.param(as_directory, "is no regular file", id="directory"),
    pytest.param(as_pipe, "is no regular file", id="pipe"),
    pytest.param(as_another_users, "belongs to another user", id="another user's", marks=as_root),
]


@pytest.mark.parametrize(("spoil", "said"), REFUSED)
def test_what_cannot_be_closed_is_refused(env: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(env)
    with pytest.raises(RefusedError, match=said) as refused:
        dotenv.read(env)
    assert CERTIFICATE not in str(refused.value)


def test_a_file_system_without_modes_is_refused(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fchmod", lambda *_: None)  # as on a disk of another system
    with pytest.raises(RefusedError, match="cannot be changed to 0600"):
        dotenv.read(env)


def test_the_stacks_own_secrets_are_closed_where_a_copy_opened_them(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings.state / "secrets.json"
    secrets = secrets_file.load_or_create(path)
    path.chmod(0o644)
    assert secrets_file.load(path) == secrets
    assert mode(path) == 0o600
    assert "was open to other users" in capsys.readouterr().err


@pytest.mark.skipif(not (ROOT / ".venv/bin/python").exists(), reason="bin/ uses .venv, which is not here.")
def test_a_command_says_it_once_and_not_into_its_output(settings: Settings) -> None:
    path = settings.state / "secrets.json"
    secrets_file.load_or_create(path)
    path.chmod(0o644)
    first, second = (run(settings, str(ROOT / "bin" / "psql"), "-c", "select 1") for _ in range(2))
    assert "was open to other users" in first.stderr
    assert "was open to other users" not in first.stdout + second.stderr


# Written.


@pytest.mark.usefixtures("open_umask")
def test_whatever_the_umask_is_files_and_directories_are_made_closed(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "state", 1, 2, 3)
    settings.make_directories()
    assert {mode(path) for path in (settings.state, *settings.state.iterdir())} == {0o700}
    earlier = settings.state / f"secret.{os.getpid()}.new"
    earlier.touch(mode=0o666)
    write_private(settings.state / "secret", CERTIFICATE)
    assert mode(settings.state / "secret") == 0o600


# `make secrets`, and the Secrets of Kubernetes.


def script(
    env: Path, name: str = "distributed/secrets.sh", path: str = ""
) -> subprocess.CompletedProcess[str]:
    copy = env.parent / name
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(ROOT / name, copy)
    return subprocess.run(
        ["sh", "-c", f"umask 000; sh {name}"],
        cwd=env.parent,
        env={"PATH": f"{path}:{os.environ['PATH']}".lstrip(":")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_secrets_closes_a_copy_of_the_example_and_says_so(env: Path) -> None:
    done = script(env)
    assert done.returncode == 0
    assert ".env was open to other users. Its mode is now 0600." in done.stderr
    assert f"AGORA_ADMIN_PASSWORD={CERTIFICATE}\nAGORA_POSTGRES_PASSWORD=" in env.read_text()
    assert mode(env) == 0o600
    assert script(env).stderr == ""


def test_make_secrets_makes_the_file_closed_before_anything_is_in_it(env: Path) -> None:
    env.unlink()
    without_chmod = env.parent / "bin"
    without_chmod.mkdir()
    (without_chmod / "chmod").symlink_to(shutil.which("true") or "/bin/true")
    done = script(env, path=str(without_chmod))
    assert (done.returncode, done.stderr) == (0, "")
    assert mode(env) == 0o600


@pytest.mark.parametrize(("spoil", "_said"), REFUSED)
def test_make_secrets_refuses_what_cannot_be_closed(
    env: Path, spoil: Callable[[Path], None], _said: str
) -> None:
    spoil(env)
    done = script(env)
    assert done.returncode == 1
    assert ".env holds secrets and has to be a file of your own" in done.stderr
    assert not (env.parent / "nowhere").exists()


def test_the_secrets_of_kubernetes_are_not_made_from_an_open_file(env: Path) -> None:
    done = script(env, "deploy/kubernetes/secrets.sh")
    assert done.returncode == 1
    assert "other users can read it: run `make secrets`" in done.stderr
