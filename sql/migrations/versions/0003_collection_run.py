from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0003"
down_revision = "0002"
upgrade = upgrade_from_sql(__file__)
