from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0013"
down_revision = "0012"
upgrade = upgrade_from_sql(__file__)
