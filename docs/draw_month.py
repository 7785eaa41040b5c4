"""Draw the README's picture of a month from a running demo: `.venv/bin/python docs/draw_month.py`."""

from __future__ import annotations

import subprocess
from datetime import date, datetime
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import dates, patches, ticker
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "pictures" / "month.png"
INK, MUTED, RATE, BILL = "#1f2933", "#7b8794", "#2f6fb0", "#c2410c"
STATES = {
    "collected": "#a9c9e8",
    "partial": "#e9a23b",
    "failed": "#c2410c",
    "lost": "#1f2933",
    "pending": "#e4e7eb",
}

SUMS = """
select extract(epoch from interval_start), sum(kbps) / 1e6
from mart.bandwidth_5min group by 1 order by 1
"""
BILLS = """
select month, p95_kbps / 1e6, peak_kbps / 1e6 from mart.billing_monthly_total order by month
"""
COVERAGE = """
select usage_date, dense_rank() over (order by app_id) - 1, state from mart.coverage
"""


def main() -> None:
    """Draw the sum of all apps with the month's 95th percentile, above the coverage of every app-day."""
    mpl.rcParams.update(
        {"font.size": 11, "font.family": "DejaVu Sans", "text.color": INK, "axes.edgecolor": MUTED}
    )
    figure, (rate, cover) = plt.subplots(
        2, 1, figsize=(12, 6.6), height_ratios=(2.1, 1), sharex=True, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr, call-arg]
    first, last = _draw_rate(rate)
    _draw_coverage(cover)
    rate.set_xlim(first, last)
    cover.xaxis.set_major_locator(dates.DayLocator(interval=3))
    cover.xaxis.set_major_formatter(dates.DateFormatter("%-d %b"))
    for axes in (rate, cover):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(colors=MUTED, length=0)
    figure.savefig(PICTURE, dpi=110)
    print(f"Wrote {PICTURE.relative_to(ROOT)}.")


def _draw_rate(axes: Axes) -> tuple[float, float]:
    points = np.array([[float(cell) for cell in row] for row in _ask(SUMS)])
    when = points[:, 0] / 86400
    axes.fill_between(when, points[:, 1], color=RATE, alpha=0.18, linewidth=0)
    axes.plot(when, points[:, 1], color=RATE, linewidth=0.6)
    axes.set_ylim(0, points[:, 1].max() * 1.12)
    axes.yaxis.set_major_locator(ticker.MultipleLocator(0.5))
    axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:.1f} Gbps"))
    axes.grid(axis="y", color="#e4e7eb")
    axes.set_title("All apps, summed per five-minute point", loc="left", fontweight="bold")
    for month, p95_gbps, _ in _ask(BILLS):
        start = dates.date2num(date.fromisoformat(month))
        end = dates.date2num(datetime.fromisoformat(month).replace(day=28)) + 4
        left, right = max(start, when[0]), min(end, when[-1])
        axes.plot([left, right], [float(p95_gbps)] * 2, color=BILL, linewidth=1.8)
        label = f"95th percentile of {date.fromisoformat(month):%B}: {float(p95_gbps):.2f} Gbps"
        if right - left > 12:
            axes.text(right, axes.get_ylim()[1] * 0.97, label, color=BILL, ha="right", va="top")
    return when[0], when[-1]


def _draw_coverage(axes: Axes) -> None:
    cells = [(dates.date2num(date.fromisoformat(day)), int(row), state) for day, row, state in _ask(COVERAGE)]
    for day, row, state in cells:
        axes.add_patch(
            patches.Rectangle((day + 0.06, row + 0.08), 0.88, 0.84, color=STATES[state], linewidth=0)
        )
    rows = max(row for _, row, _ in cells) + 1
    axes.set_ylim(rows, 0)
    axes.set_yticks([])
    axes.set_title("Coverage: one row per app, one cell per day", loc="left", fontweight="bold")
    shown = [state for state in STATES if any(cell[2] == state for cell in cells)]
    handles = [patches.Patch(color=STATES[state], label=state) for state in shown]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(shown), frameon=False)


def _ask(query: str) -> list[list[str]]:
    answer = subprocess.run(
        [ROOT / "bin" / "psql", "-AtF", "\t", "-c", query], capture_output=True, text=True, check=True
    )
    return [line.split("\t") for line in answer.stdout.splitlines()]


if __name__ == "__main__":
    main()
