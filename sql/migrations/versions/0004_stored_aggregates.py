from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0004"
down_revision = "0003"
upgrade = upgrade_from_sql(__file__)
