// The chart: lines with gaps as gaps, what is alone or incomplete marked, daily peaks, and the 95th percentile.
import { draw } from "../frame/chart.js";
import { rate, things, unitFor } from "../frame/format.js";
import { HOUR } from "./clock.js";

const MARGIN = { l: 64, r: 104, t: 26, b: 56 };
const LONG_NAME = 14;
// What the marks at the foot say, and of which points of a series.
export const MARKS = { isAbsent: { colour: "--warn", means: "points absent" }, lacks: { colour: "--partial", means: "points of the sum that lack an app" } };
// Plotly reads some HTML in names.
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

export function drawTraffic(element, series, shown, clock, { peaks, range }) {
  const highest = Math.max(...series.map((one) => highestIn(one, shown)));
  const [size, unit] = unitFor(highest);
  const top = highest > 0 ? (1.12 * highest) / size : 1;
  const scale = { size, unit, top };
  const traces = series.flatMap((one) => [
    line(one, shown, clock, scale), alone(one, shown, clock, scale),
    ...marks(one, shown, clock, scale), peaks && dailyPeaks(one, shown, clock, scale)].filter(Boolean));
  return draw(element, traces, {
    hovermode: "x unified",
    dragmode: "zoom",
    shapes: series.filter((one) => one.figures.p95_kbps / size <= top).map((one) => p95Line(one, size)),
    annotations: p95Labels(series, scale, element.clientHeight, range),
    xaxis: {
      type: "date",
      range: [clock.wall(shown.from), clock.wall(shown.to)],
      title: { text: `Time in ${clock.name} (${clock.timeZone})` },
      tickformatstops: [
        { dtickrange: [null, 24 * HOUR - 1], value: "%H:%M\n%a %-d %b" },
        { dtickrange: [24 * HOUR, null], value: "%-d %b\n%Y" },
      ],
      unifiedhovertitle: { text: `%{x|%a %-d %b %Y, %H:%M} ${clock.name}` },
      showgrid: false, ticks: "outside",
    },
    yaxis: { title: { text: unit }, range: [0, top], fixedrange: true },
    margin: MARGIN,
  });
}

function highestIn(one, shown) {
  const [first, end] = one.slots(shown);
  return one.kbps.slice(first, end).reduce((most, kbps) => Math.max(most, kbps ?? 0), 0);
}

function common(one) {
  return { type: "scatter", name: plain(one.name), line: { color: one.colour, width: 1.5 }, marker: { color: one.colour, symbol: one.symbol } };
}

function values({ unit }) {
  return `%{y:.4~g} ${unit}%{customdata}<extra>%{fullData.name}</extra>`;
}

// One slot more on either side, so that a line leads out of the picture.
function around(one, shown) {
  const [first, end] = one.slots(shown);
  return [Math.max(first - 1, 0), Math.min(end + 1, one.kbps.length)];
}

function line(one, shown, clock, scale) {
  const [first, end] = around(one, shown);
  const own = common(one);
  return {
    ...own,
    x0: clock.wall(one.instant(first)),
    dx: one.step,
    y: one.kbps.slice(first, end).map((kbps) => (kbps === null ? null : kbps / scale.size)),
    // Few enough to tell them apart.
    mode: shown.length <= 3 * HOUR ? "lines+markers" : "lines",
    marker: { ...own.marker, size: 7 },
    customdata: one.kbps.slice(first, end).map((_, index) => (one.lacks(first + index) ? `, ▲ lacks ${things(one.absent_apps[first + index], "app")}` : "")),
    connectgaps: false,
    hovertemplate: values(scale),
  };
}

function at(one, slots, clock, scale) {
  return { x: slots.map((slot) => clock.wall(one.instant(slot))), y: slots.map((slot) => one.kbps[slot] / scale.size) };
}

function slotsOf(one, shown, wanted) {
  const [first, end] = one.slots(shown);
  return Array.from({ length: end - first }, (_, index) => first + index).filter(wanted);
}

function alone(one, shown, clock, scale) {
  const slots = slotsOf(one, shown, (slot) => one.isAlone(slot));
  const own = common(one);
  return slots.length > 0 && { ...own, ...at(one, slots, clock, scale), mode: "markers", marker: { ...own.marker, size: 4 }, hoverinfo: "skip" };
}

// At the foot, a mark under every stretch of points that are absent, or that lack an app.
function marks(one, shown, clock, { top }) {
  return Object.entries(MARKS).map(([does, { colour }]) => {
    const x = [];
    for (const slot of slotsOf(one, shown, (at) => one[does](at))) {
      if (!x.length || !one[does](slot - 1)) x.push(clock.wall(one.instant(slot)));
      if (!one[does](slot + 1)) x.push(clock.wall(one.instant(slot + 1)), null);
    }
    if (x.at(-1)) x.push(clock.wall(shown.to));
    return x.length > 0 && {
      type: "scatter", mode: "lines+markers", x, y: x.map((wall) => wall && 0.008 * top), hoverinfo: "skip",
      line: { color: colour, width: 5 }, marker: { color: colour, size: 5, symbol: "square" },
    };
  });
}

function dailyPeaks(one, shown, clock, scale) {
  const days = one.days.filter((day) => day.peak_at && Date.parse(day.peak_at) >= shown.from && Date.parse(day.peak_at) < shown.to);
  return {
    type: "scatter",
    name: `${plain(one.name)}, peak of a day`,
    mode: "markers",
    x: days.map((day) => clock.wall(Date.parse(day.peak_at))),
    y: days.map((day) => day.peak_kbps / scale.size),
    customdata: days.map((day) => day.usage_date),
    marker: { symbol: `${one.symbol}-open`, size: 9, color: one.colour, line: { width: 2 } },
    hovertemplate: "peak of usage date %{customdata}<extra></extra>",
  };
}

function p95Line(one, size) {
  const y = one.figures.p95_kbps / size;
  return { type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: one.colour, width: 1.5, dash: "dash" } };
}

// Each beside its line, or at the top if that lies above; pushed apart where they would overlap.
function p95Labels(series, { size, top }, height, range) {
  const isSingle = series.length === 1;
  const labelPx = isSingle ? 16 : 32;
  const unitsAPx = top / Math.max(height - MARGIN.t - MARGIN.b, 100);
  const beside = { xref: "paper", x: 1, xanchor: "left", xshift: 5, align: "left", showarrow: false };
  const ranked = [...series].sort((a, b) => b.figures.p95_kbps - a.figures.p95_kbps);
  const levels = apart(ranked.map((one) => Math.min(one.figures.p95_kbps / size, top)), labelPx * unitsAPx);
  const labels = ranked.map((one, rank) => {
    const figure = `${one.figures.p95_kbps / size > top ? "↑ " : ""}${rate(one.figures.p95_kbps)}`;
    return { ...beside, y: levels[rank], text: isSingle ? figure : `${one.sign} ${plain(shortened(one.name))}<br>${figure}` };
  });
  const heading = { ...beside, yref: "paper", y: 1, yanchor: "bottom", xanchor: "right", xshift: MARGIN.r, text: `╌╌ 95th percentile of ${range}` };
  return [heading, ...labels];
}

// Descending levels with at least a distance between them, none below zero.
function apart(levels, distance) {
  const pushed = [];
  for (const level of levels) pushed.push(Math.min(level, (pushed.at(-1) ?? Infinity) - distance));
  return pushed.map((level, rank) => Math.max(level, (pushed.length - 0.5 - rank) * distance));
}

function shortened(name) {
  return name.length > LONG_NAME ? `${name.slice(0, LONG_NAME - 1)}…` : name;
}
