from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0002"
down_revision = "0001"
upgrade = upgrade_from_sql(__file__)
