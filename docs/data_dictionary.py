"""Prints the data dictionary, which is the comments of the warehouse's relations and columns.

Write it anew, from a throw-away server with the schema as the files in sql/ make it, with:

PYTHONPATH=plugins:. .venv/bin/python docs/data_dictionary.py > docs/data_dictionary.md
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import throwaway

HEAD = """# Data dictionary

Generated from the comments in `sql/` by `docs/data_dictionary.py`; edit there, not here. Times are
`timestamptz`, rates are kbps (1,000 bits a second). The role `analyst` reads the schema `mart`.
"""

SCHEMAS = """
select nspname as name, obj_description(oid, 'pg_namespace') as about
from pg_namespace
where nspname in ('mart', 'core', 'raw')
order by array_position(array['mart', 'core', 'raw'], nspname::text)
"""

RELATIONS = """
select
    relname::text as name,
    case relkind when 'v' then 'view' else 'table' end as kind,
    obj_description(oid, 'pg_class') as about,
    oid
from pg_class
where relnamespace = cast(:schema as regnamespace) and relkind in ('r', 'p', 'v', 'm')
union all
select
    proname::text || '(' || pg_get_function_arguments(oid) || ')',
    'function',
    obj_description(oid, 'pg_proc') || ' Returns ' || pg_get_function_result(oid) || '.',
    null
from pg_proc
where pronamespace = cast(:schema as regnamespace)
order by name
"""

COLUMNS = """
select
    attname as name,
    format_type(atttypid, atttypmod) as type,
    attnotnull as required,
    col_description(attrelid, attnum) as about
from pg_attribute
where attrelid = :relation and attnum > 0 and not attisdropped
order by attnum
"""


def dictionary(url: str) -> str:
    """Return the data dictionary of a migrated warehouse as Markdown.

    Args:
        url: SQLAlchemy address of the warehouse.
    """
    parts = [HEAD]
    with warehouse_engine(url).connect() as connection:
        for schema in connection.execute(text(SCHEMAS)).all():
            parts.append(f"## {schema.name}\n\n{schema.about}\n")
            for relation in connection.execute(text(RELATIONS), {"schema": schema.name}).all():
                parts.append(f"### {schema.name}.{relation.name}\n")
                parts.append(f"{relation.kind.capitalize()}. {relation.about}\n")
                if relation.oid is None:
                    continue
                columns = connection.execute(text(COLUMNS), {"relation": relation.oid}).all()
                parts.append("\n".join(["| column | type | |", "|---|---|---|", *map(_line, columns)]) + "\n")
    return "\n".join(parts).replace("timestamp with time zone", "timestamptz")


def _line(column: Row[Any]) -> str:
    # Only a table's columns know it; of a view's it would say nothing.
    required = ", not null" if column.required else ""
    return f"| `{column.name}` | {column.type}{required} | {column.about} |"


def main() -> None:
    """Print the dictionary of a warehouse made for it."""
    with throwaway() as server:
        migrate(server.url())
        print(dictionary(server.url()), end="")


if __name__ == "__main__":
    main()
