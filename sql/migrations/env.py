from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="warehouse_version",
    version_table_schema="public",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
