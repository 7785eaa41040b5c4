from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0008"
down_revision = "0007"
upgrade = upgrade_from_sql(__file__)
