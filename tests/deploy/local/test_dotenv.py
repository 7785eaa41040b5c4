"""The file .env: values, quotes, comments, escapes and malformed lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.errors import StackError
from deploy.local.settings import read_dotenv
from tests.support.paths import ROOT


def read(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    return read_dotenv(tmp_path / ".env")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=plain", "plain"),
        ("KEY=", ""),
        ("KEY= # comment", ""),
        ("  KEY = spaced out  ", "spaced out"),
        ("export KEY=exported", "exported"),
        ("KEY=before # comment", "before"),
        ("KEY=no#comment", "no#comment"),
        ("KEY=a=b", "a=b"),
        ("KEY='single # kept'", "single # kept"),
        ("KEY='single ${HOME} $HOME kept' # comment", "single ${HOME} $HOME kept"),
        ('KEY="double ${HOME} $HOME kept" # comment', "double ${HOME} $HOME kept"),
        ('KEY="double \\n \\" \\\\ escaped"', 'double \n " \\ escaped'),
        ("""KEY='{"login": "it\\'s"}'""", """{"login": "it's"}"""),
        (r"""export KEY = '{"password": "a\\b\"c\n"}'""", r'{"password": "a\\b\"c\n"}'),
        ("KEY='two\nlines'", "two\nlines"),
        ('KEY="two\nlines"', "two\nlines"),
        ("KEY=''", ""),
        ("KEY=windows\r", "windows"),
    ],
)
def test_a_value_is_parsed(tmp_path: Path, line: str, value: str) -> None:
    assert read(tmp_path, f"# comment\n\n{line}\n") == {"KEY": value}


@pytest.mark.parametrize(
    "line",
    [
        "no equals sign",
        "SECRET",
        "=s3cret",
        "1KEY=value",
        "A-B=value",
        "KEY='open",
        'KEY="open',
        "K='it's'",
    ],
)
def test_a_malformed_line_is_reported_by_its_number_without_its_text(tmp_path: Path, line: str) -> None:
    with pytest.raises(StackError, match=r"\.env, line 5: .*KEY=VALUE") as caught:
        read(tmp_path, f"A=b\n\n# comment\n\n{line}\nC=d\n")
    assert line not in str(caught.value)


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffKEY=value") == {"KEY": "value"}


def test_a_missing_file_has_no_variables(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}


def test_the_example_sets_nothing_until_it_is_filled_in(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text()
    assert read(tmp_path, text) == {}
    filled = "\n".join(line.removeprefix("#") if line[:2] != "# " else line for line in text.splitlines())
    assert set(read(tmp_path, filled)) == {
        "AIRFLOW_CONN_AGORA_DASHBOARD",
        "AIRFLOW_CONN_AGORA_PUSH_STREAM",
        "AIRFLOW_VAR_AGORA_APPS",
        "AIRFLOW_VAR_AGORA_CONTRACTS",
        "AIRFLOW_CONN_AGORA_SECOND",
        "AIRFLOW_CONN_AGORA_WEBHOOK",
        "AIRFLOW_CONN_SMTP_DEFAULT",
        "AIRFLOW_VAR_AGORA_ALERTS",
        "AIRFLOW_VAR_AGORA_RETENTION",
        "AIRFLOW__AGORA__DOCS_URL",
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
