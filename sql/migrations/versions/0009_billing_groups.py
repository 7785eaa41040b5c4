from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0009"
down_revision = "0008"
upgrade = upgrade_from_sql(__file__)
