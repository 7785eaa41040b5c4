from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
DATED = (
    "core.app_day",
    "core.app",
    "core.changed_app_day",
    "core.restatement",
    "core.collection_run",
    "core.push_stream_state",
    "core.dag_schedule",
    "raw.bandwidth_response",
)


def upgrade() -> None:
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(
        Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    )
    # Temporary names last: core.forget_app_days fires this trigger as the owner, whoever calls it.
    op.execute("alter function core.note_changed_points() set search_path = pg_catalog, pg_temp")


def downgrade() -> None:
    op.execute("alter function core.note_changed_points() set search_path = pg_catalog")
    op.execute("alter table core.changed_app_day drop column change_key")
    for table in DATED:
        op.execute(f"alter table {table} drop constraint dates_have_four_digit_years")
