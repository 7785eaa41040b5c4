from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0010"
down_revision = "0009"
upgrade = upgrade_from_sql(__file__)
