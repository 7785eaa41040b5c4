from agora.warehouse.migrations.migrate import upgrade_from_sql

revision = "0006"
down_revision = "0005"
upgrade = upgrade_from_sql(__file__)
