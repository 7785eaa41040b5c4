"""The warehouse's disk is full: only the tables' disk, or also that of the write-ahead log."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agora.bandwidth import fetch
from agora.warehouse.roles import SUPERUSER
from tests.chaos.warehouse_disk import NoDiskError, empty, fill, small_disk
from tests.chaos.warehouse_faults import Site, site

KILOBYTE = 1 << 10


@contextmanager
def disk(megabytes: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="agora-disk-") as place:
        Path(place).chmod(0o711)  # the server may run as another user
        try:
            with small_disk(Path(place), megabytes) as mounted:
                yield mounted
        except NoDiskError as error:
            pytest.skip(f"This test fills a disk, and none can be mounted here: {error}")


@pytest.fixture(autouse=True)
def _many_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "CHUNK_SECONDS", 0.05)


@pytest.mark.parametrize("left", [600 * KILOBYTE, 900 * KILOBYTE])
def test_a_full_disk_for_tables_stops_the_run_with_an_explanation_until_space_is_freed(left: int) -> None:
    with disk(64) as mounted, site() as harmed:
        _move_tables_to(mounted, harmed)
        fill(mounted, leave=left)

        message = harmed.fails()

        assert "has no space left on its disk" in message
        assert "Never delete anything in the data directory" in message
        assert harmed.assert_nothing_is_lost() > 0, "the disk was full before anything was loaded"
        assert "has no space left on its disk" in harmed.fails(), "it fails the same way until there is space"
        empty(mounted)
        harmed.assert_the_next_run_closes_every_gap()


@pytest.mark.parametrize("left", [0, 900 * KILOBYTE])
def test_a_completely_full_disk_loses_no_acknowledged_data(
    left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with disk(160) as mounted, monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(mounted))  # where a throw-away server stores its files
        with site({"min_wal_size": "32MB", "max_wal_size": "32MB"}) as harmed:
            fill(mounted, leave=left)

            message = harmed.fails()

            # Without space for its log, the server shuts down. Otherwise, it refuses only some statements.
            assert (
                "no space left on its disk" in message
                or "does not respond, or closed the connection" in message
            )
            empty(mounted)
            harmed.warehouse.server.restart()
            harmed.assert_nothing_is_lost()
            harmed.assert_the_next_run_closes_every_gap()


def _move_tables_to(mounted: Path, harmed: Site) -> None:
    """Move the warehouse's tables to the small disk; the write-ahead log stays where there is space."""
    place = mounted / "tables"
    place.mkdir(mode=0o700)
    server = harmed.warehouse.server
    server.cluster.programs.chown(place)
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute(f"create tablespace small location '{place}'")
        cursor.execute("alter database warehouse set tablespace small")
