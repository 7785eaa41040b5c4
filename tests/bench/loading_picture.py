"""The picture of the loading benchmark: one dot per contestant on a logarithmic time axis, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tests.bench.contestants import OURS, Contestant, Kind
from tests.bench.loading_result import Result

WIDTH, LEFT, RIGHT = 1100, 400, 910
ROW, HEAD, GAP = 26, 62, 44
# Keeps lines behind figures from crossing them.
HALO = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"'
COLOURS = {Kind.OURS: "#2f6fb0", Kind.LIMIT: "#7b8794", Kind.COMPETITOR: "#c2410c"}


def drawn(results: Sequence[Result]) -> str:
    """Return the picture, with one panel per workload."""
    axis = _Axis([result.wall_seconds(who) for result in results for who in result.samples])
    panels: list[str] = []
    top = 0
    for result in results:
        panels += _panel(result, axis, top)
        top += HEAD + ROW * len(result.samples) + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
            ' font-family="system-ui, \'DejaVu Sans\', sans-serif" font-size="15">',
            f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>',
            *panels,
            "</svg>\n",
        ]
    )


class _Axis:
    """Maps seconds to pixels, between two powers of ten."""

    def __init__(self, seconds: Sequence[float]) -> None:
        self.first = math.floor(math.log10(min(seconds)))
        self.last = math.ceil(math.log10(max(seconds)))

    def x(self, seconds: float) -> float:
        share = (math.log10(seconds) - self.first) / (self.last - self.first)
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def ticks(self) -> Iterator[tuple[str, float]]:
        for power in range(self.first, self.last + 1):
            yield f"{10.0**power:g} s", self.x(10.0**power)


def _panel(result: Result, axis: _Axis, top: int) -> Iterator[str]:
    first = top + HEAD
    bottom = first + ROW * len(result.samples)
    title = f"{result.load.name}, {result.load.points:,} points"
    yield f'<text x="24" y="{top + 34}" fill="#1f2933" font-weight="600">{title}</text>'
    for label, x in axis.ticks():
        yield f'<path d="M{x} {first - 10} V{bottom}" stroke="#d5dbe1"/>'
        style = 'fill="#7b8794" font-size="12" text-anchor="middle"'
        yield f'<text x="{x}" y="{bottom + 18}" {style}>{label}</text>'
    ours = axis.x(result.wall_seconds(OURS))
    yield f'<path d="M{ours} {first - 10} V{bottom}" stroke="{COLOURS[Kind.OURS]}" stroke-dasharray="4 4"/>'
    for row, contestant in enumerate(sorted(result.samples, key=result.wall_seconds)):
        yield from _row(result, contestant, axis, first + ROW * row + ROW // 2)


def _row(result: Result, contestant: Contestant, axis: _Axis, y: int) -> Iterator[str]:
    seconds, colour = result.wall_seconds(contestant), COLOURS[contestant.kind]
    weight = ' font-weight="600"' if contestant is OURS else ""
    name = escape(contestant.name.replace("`", "").partition(": plan")[0])
    ratio = result.ratio(contestant)
    yield f'<text x="{LEFT - 20}" y="{y + 5}" fill="{colour}" text-anchor="end"{weight}>{name}</text>'
    yield f'<circle cx="{axis.x(seconds)}" cy="{y}" r="6" fill="{colour}"/>'
    yield (
        f'<text x="{axis.x(seconds) + 12}" y="{y + 5}" fill="#1f2933" font-size="13"{weight} {HALO}>'
        f"{seconds:.2f} s{f', {ratio}' if ratio else ''}</text>"
    )
