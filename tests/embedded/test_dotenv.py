"""The file .env: what its lines mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded import dotenv
from embedded.errors import StackError
from embedded.settings import ROOT


def read(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    return dotenv.read(tmp_path / ".env")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=plain", "plain"),
        ("KEY=", ""),
        ("  KEY = spaced out  ", "spaced out"),
        ("export KEY=exported", "exported"),
        ("KEY=before # comment", "before"),
        ("KEY=no#comment", "no#comment"),
        ("KEY=a=b", "a=b"),
        ("KEY='single # kept'", "single # kept"),
        ('KEY="double $HOME \\n kept" # comment', "double $HOME \\n kept"),
        ("""KEY='{"login": "it\\'s"}'""", """{"login": "it\\'s"}"""),
        ("KEY=''", ""),
        ("KEY=windows\r", "windows"),
    ],
)
def test_a_line(tmp_path: Path, line: str, value: str) -> None:
    assert read(tmp_path, f"# comment\n\n{line}\n") == {"KEY": value}


@pytest.mark.parametrize("line", ["no equals sign", "=value", "1KEY=value", "KEY='open", 'KEY="open'])
def test_what_is_no_line_is_named_without_its_text(tmp_path: Path, line: str) -> None:
    with pytest.raises(StackError, match=r"\.env, line 2") as caught:
        read(tmp_path, f"A=b\n{line}\n")
    assert line not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffKEY=value") == {"KEY": "value"}


def test_no_file_means_no_variables(tmp_path: Path) -> None:
    assert dotenv.read(tmp_path / ".env") == {}


def test_the_example_sets_nothing_until_it_is_filled_in(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text()
    assert read(tmp_path, text) == {}
    filled = "\n".join(line.removeprefix("#") if line[:2] != "# " else line for line in text.splitlines())
    assert set(read(tmp_path, filled)) == {
        "AIRFLOW_CONN_AGORA_DASHBOARD",
        "AIRFLOW_CONN_AGORA_PUSH_STREAM",
        "AIRFLOW_VAR_AGORA_APPS",
        "AIRFLOW_CONN_AGORA_SECOND",
        "AIRFLOW_CONN_AGORA_WEBHOOK",
        "AIRFLOW_CONN_SMTP_DEFAULT",
        "AIRFLOW_VAR_AGORA_ALERTS",
        "AIRFLOW_VAR_AGORA_RETENTION",
        "AIRFLOW__CORE__PARALLELISM",
        "AGORA_UI_ADDRESS",
        "AGORA_UI_PORT",
        "AGORA_UI_URL",
        "AGORA_WORKERS",
        "AGORA_DATABASE_HOST",
        "AGORA_DATABASE_PORT",
        "AGORA_DATABASE_SSLMODE",
        "COMPOSE_FILE",
    }
