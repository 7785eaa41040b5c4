from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
changes_bills = (
    "days from before an app's collection began are no longer expected, and a month is final only if every"
    " calendar day of it was."
)
changed_figures = frozenset({"is_final", "expected_points", "expected_app_points"})


def upgrade() -> None:
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(
        Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    )


def downgrade():
    raise NotImplementedError("The schema before stores conclusions that this one only computes.")
