"""Rebuilds everything that is derived from stored facts, after a restore of data alone.

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

# In the order in which core.refresh_figures locks them. Readers never wait: they compute figures meanwhile.
EMPTY = """
set local statement_timeout = 0;
lock table core.app_day in share row exclusive mode;
lock table core.month_p95 in share row exclusive mode;
delete from core.month_p95;
delete from core.day_sum;
delete from core.entered_days;
delete from core.changed_app_day
"""
# A refresh stores whole months of an app and whole days, so that one note of each is enough.
NOTE = """
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
# Never back, so that no key is given twice.
CONTINUE = """
select setval('{sequence_name}', max({key_name})) from {table_name}
having max({key_name}) > coalesce(pg_sequence_last_value('{sequence_name}'), 0)
"""

MEANINGS = BY_CODE | {
    "42501": Meaning(
        "does not permit the role to rebuild anything", "Name the role owner, which made its tables."
    ),
}

log = logging.getLogger(__name__)


def rebuild(url: str | URL) -> None:
    """Store the bills' figures and the recorded days again, and continue each key after its largest value.

    Loaders wait until what was stored is deleted. Runs can go on.

    Args:
        url: SQLAlchemy address of the warehouse as its owner.

    Raises:
        WarehouseError: The warehouse is unreachable, not migrated, or the role is not its owner.
    """
    engine = warehouse_engine(url)
    try:
        with explaining_db_errors(without_password(engine.url), MEANINGS):
            with engine.begin() as connection:
                connection.exec_driver_sql(EMPTY)
                connection.exec_driver_sql(NOTE)
                _continue_keys(connection)
            refresh(engine)
            with engine.connect() as connection:
                log.info("Rebuilt the stored figures of %s app-days.", f"{_app_days(connection):,}")
    finally:
        engine.dispose()


def _continue_keys(connection: Connection) -> None:
    for identity in connection.exec_driver_sql(IDENTITIES).mappings().all():
        connection.exec_driver_sql(CONTINUE.format(**identity))


def _app_days(connection: Connection) -> int:
    return int(connection.execute(text("select count(*) from core.app_day")).scalar_one())


if __name__ == "__main__":
    sys.exit(run_as_owner(rebuild))
