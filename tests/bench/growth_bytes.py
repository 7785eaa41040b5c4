"""Bytes per point on disk, with an explanation for every byte."""

from __future__ import annotations

from typing import Any

TABLE = "core.app_day"
STORED = ("core.month_p95", "core.day_sum", "core.entered_days", "core.changed_app_day", "core.restatement")
LINE_POINTER, TUPLE_HEADER = 4, 24

COLUMNS = """
select attname from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated <> 'v'
order by attnum
"""
INDEXES = """
select indexrelid::regclass::text, pg_relation_size(indexrelid) from pg_index
where indrelid = %s::regclass order by 1
"""
HEAP = "select pg_relation_size(%s), pg_table_size(%s) - pg_relation_size(%s)"


def report(cursor: Any, points: int) -> None:
    """Print the size of each part of an app-day's row, its indexes and the aggregates stored with it.

    Args:
        cursor: A superuser's cursor, after a vacuum.
        points: Number of points.
    """
    app_days = points / 288
    rows: list[tuple[str, float]] = [("line pointer", LINE_POINTER), ("tuple header", TUPLE_HEADER)]
    rows += _columns(cursor)
    cursor.execute(HEAP, (TABLE, TABLE, TABLE))
    heap, beside_heap = cursor.fetchone()
    rows.append(("alignment, page headers, unused space in pages", heap / app_days - sum(n for _, n in rows)))
    rows.append(("TOAST, free space map, visibility map", beside_heap / app_days))
    cursor.execute(INDEXES, (TABLE,))
    rows += [(f"index {name}", size / app_days) for name, size in cursor.fetchall()]
    for name in STORED:
        cursor.execute("select pg_total_relation_size(%s)", (name,))
        rows.append((f"{name}, its index included", cursor.fetchone()[0] / app_days))
    cursor.execute("select pg_total_relation_size('raw.bandwidth_response')")
    (raw,) = cursor.fetchone()
    print(f"  {'on disk':52} {'bytes per app-day':>17} {'per point':>9}")
    for name, size in [*rows, ("total without raw responses", sum(size for _, size in rows))]:
        print(f"  {name:52} {size:17.1f} {size / 288:9.3f}")
    print(f"  {'raw responses':52} {raw / app_days:17.1f} {raw / points:9.3f}\n")


def _columns(cursor: Any) -> list[tuple[str, float]]:
    cursor.execute(COLUMNS, (TABLE,))
    names = [name for (name,) in cursor.fetchall()]
    sizes = ", ".join(f"avg(coalesce(pg_column_size({name}), 0))" for name in names)
    cursor.execute(f"select {sizes} from {TABLE}")
    return [(f"column {name}", float(size)) for name, size in zip(names, cursor.fetchone(), strict=True)]
