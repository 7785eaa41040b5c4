from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0001"
down_revision = None
upgrade = upgrade_from_sql(__file__)
