"""The picture of the soak: memory and disk after each night, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tests.bench.soak.measures import POSTGRES

if TYPE_CHECKING:
    from tests.bench.soak.week import Night

WIDTH, LEFT, RIGHT = 1100, 70, 880
PANEL, HEAD, FOOT = 150, 52, 26
EVENTS = 210
COLOURS = ("#2f6fb0", "#c2410c", "#3f7d4e", "#7b5ea7", "#7b8794")
MIB = 2**20
Series = dict[str, list[float]]


def drawn(nights: Sequence[Night]) -> str:
    """Return the picture, with a panel for memory and one for disk."""
    measures = [night.measures for night in nights]
    kinds = [*measures[-1].idle_bytes]
    memory = {kind: [each.idle_bytes.get(kind, 0) / MIB for each in measures] for kind in kinds}
    disk = {
        "warehouse": [each.warehouse_bytes / MIB for each in measures],
        "Airflow's database": [each.metadata_bytes / MIB for each in measures],
        "Airflow's logs": [each.log_bytes / MIB for each in measures],
    }
    kib = {"warehouse": [each.warehouse_bytes / 1024 / max(1, each.responses) for each in measures]}
    panels = (
        ("Memory when idle (PSS), MiB", {POSTGRES: memory.pop(POSTGRES), **memory}),
        ("Disk, MiB", disk),
        ("Warehouse per stored response, KiB", kib),
    )
    lines: list[str] = []
    top = 0
    for title, series in panels:
        lines += _panel(title, series, top)
        top += HEAD + PANEL + FOOT
    lines += _events(nights, top)
    top += EVENTS
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
            ' font-family="system-ui, \'DejaVu Sans\', sans-serif" font-size="15">',
            f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>',
            *lines,
            "</svg>\n",
        ]
    )


def _x(number: int, count: int) -> float:
    return round(LEFT + number * (RIGHT - LEFT) / max(1, count - 1), 1)


def _panel(title: str, series: Series, top: int) -> Iterator[str]:
    count = len(next(iter(series.values())))
    highest = _step(max(max(values) for values in series.values()))
    bottom = top + HEAD + PANEL

    def y(value: float) -> float:
        return round(bottom - PANEL * value / highest, 1)

    yield f'<text x="24" y="{top + 32}" fill="#1f2933" font-weight="600">{title}</text>'
    for share in (0, 0.5, 1):
        level = y(highest * share)
        yield f'<path d="M{LEFT} {level} H{RIGHT}" stroke="#d5dbe1"/>'
        yield _text(LEFT - 10, level + 4, f"{highest * share:g}", "end")
    for number in range(count):
        yield _text(_x(number, count), bottom + 18, str(number), "middle")
    labels = sorted(series, key=lambda name: -series[name][-1])
    lowest = top + HEAD - 8.0
    for name, colour in zip(series, COLOURS, strict=False):
        values = series[name]
        points = " ".join(f"{_x(number, count)},{y(value)}" for number, value in enumerate(values))
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for number, value in enumerate(values):
            yield f'<circle cx="{_x(number, count)}" cy="{y(value)}" r="3.5" fill="{colour}"/>'
    # Labels at the right, moved down if they would overlap.
    for name in labels:
        lowest = max(lowest + 16, y(series[name][-1]) + 5)
        colour = COLOURS[[*series].index(name)]
        yield (
            f'<text x="{RIGHT + 16}" y="{lowest}" fill="{colour}" font-size="13">'
            f"{name}, {series[name][-1]:.3g}</text>"
        )


def _events(nights: Sequence[Night], top: int) -> Iterator[str]:
    yield f'<text x="24" y="{top + 32}" fill="#1f2933" font-weight="600">Nights</text>'
    for row, night in enumerate(nights):
        y = top + HEAD + 6 + row * 18
        verdict = "every point stored" if night.is_sound else "NOT SOUND"
        yield _text(LEFT - 10, y, str(night.number), "end")
        yield (
            f'<text x="{LEFT}" y="{y}" fill="#1f2933" font-size="13">{night.release}: '
            f"{night.event or 'undisturbed'}; {verdict}</text>"
        )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" fill="#7b8794" font-size="12" text-anchor="{anchor}">{text}</text>'


def _step(value: float) -> float:
    """Return a round number that is at least the value."""
    power = 10 ** math.floor(math.log10(value))
    return float(next(factor for factor in (1, 2, 3, 5, 10) if factor * power >= value) * power)
