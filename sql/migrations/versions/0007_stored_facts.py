from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0007"
down_revision = "0006"
# Days before an app's collection began are no longer expected. A month is final only if all its days
# are expected.
changed_figures = {"is_final", "expected_points", "expected_app_points"}
upgrade = upgrade_from_sql(__file__)
