from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0011"
down_revision = "0010"
upgrade = upgrade_from_sql(__file__)
