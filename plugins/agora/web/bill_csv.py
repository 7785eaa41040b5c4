"""Export the monthly bill as a CSV file, with the same digits as in the warehouse."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any

from agora.text import for_spreadsheet
from agora.warehouse.reports.bill import AT_LEAST, COUNTS, METHODS

Row = Mapping[str, Any]
# Without this mark, Excel does not read the file as UTF-8.
BYTE_ORDER_MARK = "\ufeff"


def bill_as_csv(bill: Row, volume: Row) -> str:
    """Return CSV text: a header with units, one line per app, and the total. Absent values are empty.

    The text starts with a byte order mark and must be encoded as UTF-8.

    Args:
        bill: The result of `reports.bill.bill`.
        volume: The result of `reports.bill.volume` for the same month.
    """
    volumes = {row["app_id"]: row for row in [*volume["apps"], volume["total"]]}
    rows = [*bill["apps"], bill["total"]] if bill["total"] else []
    lines = [_line(f"{bill['month']:%Y-%m}", row, volumes[row["app_id"]]) for row in rows]
    names = lines[0].keys() if lines else ["month"]
    file = StringIO()
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows(line.values() for line in lines)
    return file.getvalue()


def _line(month: str, row: Row, volume: Row) -> dict[str, Any]:
    before, projected = row["before"] or {}, row["projected"] or {}
    return {
        "month": month,
        "row": "app" if row["app_id"] else "total",
        "app_id": row["app_id"] and for_spreadsheet(row["app_id"]),
        "app_name": row["app_name"] and for_spreadsheet(row["app_name"]),
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
