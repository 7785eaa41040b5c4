"""Brings the warehouse's schema up to date: Alembic for tables, then every view as its file says.

`AGORA_WAREHOUSE_OWNER_URL=postgresql://owner:…@host/warehouse python -m agora.warehouse.migrate`

With an earlier release behind it, it goes back to the tables of that one, as far as nothing is lost by it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from agora.errors import WarehouseError
from agora.warehouse import kept, standstill
from agora.warehouse.db_errors import BY_CODE, NOT_MIGRATED, Meaning, explaining_db_errors
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.release import SQL, is_another, named, revision_of, this_release
from agora.warehouse.server_checks import require_durable

ROLES = ("loader", "analyst")
MADE = re.compile(r"^create or replace (view|function) ([\w.]+)", re.MULTILINE)
MISSING = """
select from unnest(cast(:names as text[])) as name
where to_regclass(name) is null and to_regproc(name) is null
"""
STAMP = "select obj_description('public.warehouse_version'::regclass, 'pg_class')"
# What an error means to whoever migrates, where that is not what it means to a run.
MEANINGS = {
    **{code: meaning for code, meaning in BY_CODE.items() if meaning is not NOT_MIGRATED},
    "42501": Meaning(
        "does not permit the role to migrate it", "Name the role owner, which everything is made by."
    ),
    "40": Meaning("ended one of two transactions that blocked each other", "Migrate once more."),
}
UNCHANGED = "Nothing was changed: the warehouse is as it was, and works with the release that it worked with."

log = logging.getLogger(__name__)


def migrate(url: str | URL, release: str = "") -> None:
    """Create or upgrade schemas, tables and views, in one transaction that keeps what is there or is undone.

    Args:
        url: SQLAlchemy address of the warehouse as its owner.
        release: An earlier release, or a revision, to whose tables to go back. Its views are for it to make.

    Raises:
        WarehouseError: Nothing was changed: the server is older than PostgreSQL 18 or lacks the roles, there
            is no such way, the database refused, or something would not be what it was.
    """
    engine = warehouse_engine(url)
    try:
        # Without parameters a per cent sign in SQL is just that.
        with engine.execution_options(no_parameters=True).connect() as connection:
            with _or_unchanged(engine.url):
                _require_roles(connection)
                # A migration may read every year there is.
                connection.execute(text("set local statement_timeout = 0"))
                standstill.be_the_only_upgrade(connection)
                _bring(connection, release)
            connection.commit()
    finally:
        engine.dispose()


@contextmanager
def _or_unchanged(url: URL) -> Iterator[None]:
    try:
        with explaining_db_errors(shown(url), MEANINGS):
            yield
    except WarehouseError as error:
        raise WarehouseError(f"{error.args[0]} {UNCHANGED}") from error
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        raise WarehouseError(
            f"The warehouse ({shown(url)}) refused: {said.rstrip('.')}. {UNCHANGED}"
        ) from error


def _bring(connection: Connection, release: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SQL / "migrations"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = [script.revision for script in scripts.walk_revisions()]  # the newest first
    held = connection.execute(text("select version_num from public.warehouse_version")).scalar()
    target = _target(release, known, held)
    is_back = held is not None and (
        known.index(target) > known.index(held) or (target == held and is_another(release))
    )

    if held is None:
        _forward(connection, config)
        held = target
    if not is_back and _is_made(connection, held, target):
        log.info("The schema is that of %s.", named(target))
        return

    log.info("From %s to %s.", named(held), named(target))
    standstill.hold(connection)
    before = kept.contents(connection, is_ours=False)
    changed: set[str] = set()
    if is_back:
        _back(connection, config, target)
    else:
        _forward(connection, config)
        for script in scripts.iterate_revisions(target, held):
            if why := getattr(script.module, "changes_bills", ""):
                log.info("Bills of finished months may be others now: %s", why)
                changed |= script.module.changed_figures
    after = kept.contents(connection, is_ours=not is_back)
    if others := kept.differences(before, after, changed):
        raise WarehouseError(
            f"After the upgrade the warehouse would not hold what it holds: {'; '.join(others[:10])}."
        )
    log.info("Compared, before and after: %s.", after)
    # The schema before could not be asked for these, so the upgrade is not what broke them.
    for name in sorted(after.assertions.keys() - before.assertions.keys()):
        if not after.assertions[name]:
            log.warning("%s is not true of the stored data: sql/checks explains what to do.", name)


def _target(release: str, known: list[str], held: str | None) -> str:
    """Return the revision to go to.

    Raises:
        WarehouseError: There is no way to it.
    """
    target = revision_of(release) if release else known[0]
    if held not in (None, *known):
        raise WarehouseError(
            f"The warehouse is of revision {held}, which release {this_release()} does not know: a newer one"
            f" has been here. Go on with that one, or go back with it: `make upgrade TO={this_release()}`."
        )
    if target not in known:
        raise WarehouseError(f"{release} is no release or revision up to {this_release()} (sql/releases).")
    if target != known[0] and (held is None or known.index(target) < known.index(held)):
        raise WarehouseError(
            f"Only release {release} itself makes a warehouse of {named(target)}: use that one."
        )
    return target


def _is_made(connection: Connection, held: str, target: str) -> bool:
    """Return whether nothing is to be done: tables and views are this release's, and none is missing."""
    if (held, connection.execute(text(STAMP)).scalar()) != (target, _stamp()):
        return False
    names = [name for _, name in _made()]
    return connection.execute(text(MISSING), {"names": names}).first() is None


def _forward(connection: Connection, config: Config) -> None:
    command.upgrade(config, "head")
    for view in _views():
        connection.exec_driver_sql(view)
    connection.exec_driver_sql(f"comment on table public.warehouse_version is '{_stamp()}'")


def _back(connection: Connection, config: Config, target: str) -> None:
    """Go back to earlier tables, and drop the views, which stand on tables that were not there yet.

    Raises:
        WarehouseError: The tables before have no place for what is there.
    """
    for kind, name in reversed(_made()):
        connection.exec_driver_sql(f"drop {kind} if exists {name}")
    try:
        command.downgrade(config, target)
    except NotImplementedError as error:
        raise WarehouseError(
            f"There is no way back to {named(target)}: {error} To have what was before the upgrade, restore a"
            " dump from before it: docs/operations/backup.md."
        ) from error
    connection.exec_driver_sql("comment on table public.warehouse_version is null")


def _views() -> list[str]:
    return [path.read_text("utf-8") for path in sorted((SQL / "views").glob("*.sql"))]


def _made() -> list[tuple[str, str]]:
    """Return the kind and the name of what the views' files make, in their order."""
    return MADE.findall("\n".join(_views()))


def _stamp() -> str:
    """Return what says whose views there are; they may change without a migration."""
    return f"Views of release {this_release()}, SHA-256 {sha256(''.join(_views()).encode()).hexdigest()}"


def _require_roles(connection: Connection) -> None:
    known = set(connection.execute(text("select rolname from pg_roles")).scalars())
    missing = [role for role in ROLES if role not in known]
    if missing:
        raise WarehouseError(
            f"The warehouse's server has no role {' and '.join(missing)}: as its"
            " administrator, run sql/setup/roles.sql first and give each role its password."
        )


def owners_address() -> URL:
    """Return the owner's address from the environment. Messages never show it, as it holds the password.

    Raises:
        WarehouseError: AGORA_WAREHOUSE_OWNER_URL is not set, is no address, or is one in which a character of
            the password is taken for its end.
    """
    given = os.environ.get("AGORA_WAREHOUSE_OWNER_URL")
    if not given:
        raise WarehouseError(
            "Set AGORA_WAREHOUSE_OWNER_URL to the warehouse's address as its owner: postgresql://owner:…@host/db"
        )
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        url = None
    # Where an @ is left over, the password had one, and what follows it passed for the host.
    if url is None or "@" in f"{url.host}{url.database}":
        raise WarehouseError(
            "AGORA_WAREHOUSE_OWNER_URL is no address such as postgresql://owner:…@host:5432/warehouse. In the"
            " password @ is written %40, / %2F, : %3A and % %25."
        )
    return url


def shown(url: URL) -> str:
    """Return an address as messages name it: without the password."""
    return f"{url.username}@{url.host}:{url.port or 5432}/{url.database}"


def main(release: str = "") -> str | None:
    """Migrate what the environment names, saying what is done; return what went wrong."""
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    for ours in (log, standstill.log):  # and not what Alembic says
        ours.setLevel(logging.INFO)
    try:
        url = owners_address()
        with explaining_db_errors(shown(url)):
            require_durable(warehouse_engine(url)).connect().close()
            migrate(url, release)
    except WarehouseError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
