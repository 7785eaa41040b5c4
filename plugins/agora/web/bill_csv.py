"""Export the monthly bill as a CSV file, with the same digits as in SQL."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from agora.text import for_spreadsheet
from agora.warehouse.reports.bill import AT_LEAST, COUNTS, METHODS

Row = Mapping[str, Any]
# Without this mark, Excel does not read the file as UTF-8.
BYTE_ORDER_MARK = "\ufeff"


def bill_as_csv(bill: Row, volume: Row) -> str:
    """Return a bill as CSV text: a header with units, one line per app, and the total or filtered subtotal.

    The text starts with a byte order mark and must be encoded as UTF-8.

    Args:
        bill: The result of `reports.bill.bill`.
        volume: The result of `reports.bill.volume` for the same bill.
    """
    volumes = {row["app_id"]: row for row in [*volume["apps"], volume["total"]]}
    rows = [*bill["apps"], bill["total"]] if bill["total"] else []
    return csv_text([_line(bill, row, volumes[row["app_id"]]) for row in rows], ["month"])


def csv_text(lines: Sequence[Row], names_if_empty: Sequence[str]) -> str:
    """Return lines as CSV text with a header. Absent values are empty, and formulas are escaped."""
    file = StringIO()
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file)
    writer.writerow(lines[0].keys() if lines else names_if_empty)
    for line in lines:
        writer.writerow(for_spreadsheet(cell) if isinstance(cell, str) else cell for cell in line.values())
    return file.getvalue()


def file_name(*parts: str) -> str:
    """Return a CSV file name that joins the parts, using only characters that are safe on every system."""
    return "_".join(re.sub(r"[^\w.-]+", "-", part, flags=re.ASCII) for part in parts if part) + ".csv"


def _line(bill: Row, row: Row, volume: Row) -> dict[str, Any]:
    before, projected = row["before"] or {}, row["projected"] or {}
    filters = {name: bill[name] for name in ("billing_group", "search") if bill[name]}
    return {
        "month": f"{bill['month']:%Y-%m}",
        "filter": ", ".join(f"{name} = {value}" for name, value in filters.items()),
        "row": "app" if row["app_id"] else "subtotal" if filters else "total",
        "app_id": row["app_id"],
        "app_name": row["app_name"],
        "billing_group": row["billing_group"],
        "status": row["status"],
        **{name: row[name] for name in (*METHODS, *COUNTS)},
        "volume_bytes": volume["volume_bytes"],
        "before_status": before.get("status"),
        **{f"before_{name}": before.get(name) for name in (*METHODS, *COUNTS)},
        "before_volume_bytes": volume["before_volume_bytes"],
        **{_change(name): row["change_percent"][name] for name in METHODS},
        _change("volume_bytes"): volume["change_percent"],
        **{_projected(name): projected.get(name) for name in METHODS},
        "projected_volume_bytes": volume["projected_volume_bytes"],
    }


def _change(name: str) -> str:
    return f"change_of_{name.rpartition('_')[0]}_percent"


def _projected(name: str) -> str:
    return f"projected_{'at_least_' if name in AT_LEAST else ''}{name}"
