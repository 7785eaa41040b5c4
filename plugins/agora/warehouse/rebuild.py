"""Rebuilds all data that is derived from stored facts, after a restore without the schema.

`AGORA_WAREHOUSE_OWNER_URL=postgresql://owner:…@host/warehouse python -m agora.warehouse.rebuild`
"""

from __future__ import annotations

import logging
import sys

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from agora.warehouse.db_errors import BY_CODE, Meaning, explaining_db_errors
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.owner import run_as_owner, without_password
from agora.warehouse.stored_aggregates import refresh

# Tables are locked in the same order as in core.refresh_aggregates. Readers do not wait: they compute the
# aggregates from the points in the meantime.
DELETE_AGGREGATES = """
set local statement_timeout = 0;
lock table core.app_day in share row exclusive mode;
lock table core.month_p95 in share row exclusive mode;
delete from core.month_p95;
delete from core.day_sum;
delete from core.entered_days;
delete from core.changed_app_day
"""
# One recorded change per app and month, and one per day, are enough: a refresh stores whole months and days.
RECORD_CHANGES = """
insert into core.changed_app_day (app_key, usage_date, starts_at)
(
    select distinct on (app_key, date_trunc('month', usage_date::timestamp)) app_key, usage_date, starts_at
    from core.app_day
)
union
(
    select distinct on (usage_date, starts_at) app_key, usage_date, starts_at
    from core.app_day where kbps is not null
)
"""
IDENTITIES = """
select
    attrelid::regclass::text as table_name, quote_ident(attname) as key_name,
    pg_get_serial_sequence(attrelid::regclass::text, attname) as sequence_name
from pg_attribute inner join pg_class on pg_attribute.attrelid = pg_class.oid
where attidentity <> '' and relnamespace::regnamespace::text in ('core', 'raw')
"""
# Sequences only advance, so that no key is used twice.
ADVANCE_SEQUENCE = """
select setval('{sequence_name}', max({key_name})) from {table_name}
having max({key_name}) > coalesce(pg_sequence_last_value('{sequence_name}'), 0)
"""

MEANINGS = BY_CODE | {
    "42501": Meaning(
        "does not permit the role to rebuild anything", "Use the role owner, which owns its tables."
    ),
}

log = logging.getLogger(__name__)


def rebuild(url: str | URL) -> None:
    """Recompute all stored aggregates, and advance each sequence past the largest key in use.

    Loaders wait only while the old aggregates are deleted.

    Args:
        url: SQLAlchemy URL of the warehouse, with the role owner.

    Raises:
        WarehouseError: The warehouse is unreachable or not migrated, or the role is not its owner.
    """
    engine = warehouse_engine(url)
    try:
        with explaining_db_errors(without_password(engine.url), MEANINGS):
            with engine.begin() as connection:
                connection.exec_driver_sql(DELETE_AGGREGATES)
                connection.exec_driver_sql(RECORD_CHANGES)
                _advance_sequences(connection)
            refresh(engine)
            with engine.connect() as connection:
                log.info("Rebuilt the stored aggregates of %s app-days.", f"{_app_days(connection):,}")
    finally:
        engine.dispose()


def _advance_sequences(connection: Connection) -> None:
    for identity in connection.exec_driver_sql(IDENTITIES).mappings().all():
        connection.exec_driver_sql(ADVANCE_SEQUENCE.format(**identity))


def _app_days(connection: Connection) -> int:
    return int(connection.execute(text("select count(*) from core.app_day")).scalar_one())


if __name__ == "__main__":
    sys.exit(run_as_owner(rebuild))
