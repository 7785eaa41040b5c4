from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0005"
down_revision = "0004"
upgrade = upgrade_from_sql(__file__)
