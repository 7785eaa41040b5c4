from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0012"
down_revision = "0011"
upgrade = upgrade_from_sql(__file__)
