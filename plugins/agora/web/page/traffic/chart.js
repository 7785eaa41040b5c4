// Draws the chart: lines with gaps, marks for missing and incomplete points, daily peaks, and 95th percentiles.
import { formatCount, formatRate, rateUnit } from "../frame/format.js";
import { drawChart } from "../frame/plotly.js";
import { HOUR } from "./clock.js";

const MARGIN = { l: 64, r: 104, t: 26, b: 56 };
const MAX_NAME_LENGTH = 14;
// The marks at the bottom of the chart, keyed by the Series method that selects their points.
export const MARKS = { isMissing: { colour: "--warn", means: "missing points" }, isIncomplete: { colour: "--partial", means: "sums without every app" } };
// Plotly interprets some HTML in names.
const escapeHtml = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

export function drawTraffic(element, series, shown, clock, { peaks, range }) {
  const highest = Math.max(...series.map((one) => highestIn(one, shown)));
  const [size, unit] = rateUnit(highest);
  const top = highest > 0 ? (1.12 * highest) / size : 1;
  const scale = { size, unit, top };
  const traces = series.flatMap((one) => [
    lineTrace(one, shown, clock, scale), isolatedPoints(one, shown, clock, scale),
    ...marks(one, shown, clock, scale), peaks && dailyPeaks(one, shown, clock, scale)].filter(Boolean));
  return drawChart(element, traces, {
    hovermode: "x unified",
    dragmode: "zoom",
    shapes: series.filter((one) => one.figures.p95_kbps / size <= top).map((one) => p95Line(one, size)),
    annotations: p95Labels(series, scale, element.clientHeight, range),
    xaxis: {
      type: "date",
      range: [clock.localTime(shown.from), clock.localTime(shown.to)],
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

function baseTrace(one) {
  return { type: "scatter", name: escapeHtml(one.name), line: { color: one.colour, width: 1.5 }, marker: { color: one.colour, symbol: one.symbol } };
}

function hoverTemplate({ unit }) {
  return `%{y:.4~g} ${unit}%{customdata}<extra>%{fullData.name}</extra>`;
}

// The slots of a window and one more on either side, so that lines reach the edges of the chart.
function slotsAround(one, shown) {
  const [first, end] = one.slots(shown);
  return [Math.max(first - 1, 0), Math.min(end + 1, one.kbps.length)];
}

function lineTrace(one, shown, clock, scale) {
  const [first, end] = slotsAround(one, shown);
  const base = baseTrace(one);
  return {
    ...base,
    x0: clock.localTime(one.instant(first)),
    dx: one.step,
    y: one.kbps.slice(first, end).map((kbps) => (kbps === null ? null : kbps / scale.size)),
    // Shows markers only in short windows, where they do not overlap.
    mode: shown.length <= 3 * HOUR ? "lines+markers" : "lines",
    marker: { ...base.marker, size: 7 },
    customdata: one.kbps.slice(first, end).map((_, index) => (one.isIncomplete(first + index) ? `, ▲ without ${formatCount(one.absent_apps[first + index], "app")}` : "")),
    connectgaps: false,
    hovertemplate: hoverTemplate(scale),
  };
}

function pointsAt(one, slots, clock, scale) {
  return { x: slots.map((slot) => clock.localTime(one.instant(slot))), y: slots.map((slot) => one.kbps[slot] / scale.size) };
}

function slotsWhere(one, shown, predicate) {
  const [first, end] = one.slots(shown);
  return Array.from({ length: end - first }, (_, index) => first + index).filter(predicate);
}

function isolatedPoints(one, shown, clock, scale) {
  const slots = slotsWhere(one, shown, (slot) => one.isIsolated(slot));
  const base = baseTrace(one);
  return slots.length > 0 && { ...base, ...pointsAt(one, slots, clock, scale), mode: "markers", marker: { ...base.marker, size: 4 }, hoverinfo: "skip" };
}

// Marks at the bottom of the chart below each run of missing points or incomplete sums.
function marks(one, shown, clock, { top }) {
  return Object.entries(MARKS).map(([method, { colour }]) => {
    const x = [];
    for (const slot of slotsWhere(one, shown, (index) => one[method](index))) {
      if (!x.length || !one[method](slot - 1)) x.push(clock.localTime(one.instant(slot)));
      if (!one[method](slot + 1)) x.push(clock.localTime(one.instant(slot + 1)), null);
    }
    if (x.at(-1)) x.push(clock.localTime(shown.to));
    return x.length > 0 && {
      type: "scatter", mode: "lines+markers", x, y: x.map((time) => time && 0.008 * top), hoverinfo: "skip",
      line: { color: colour, width: 5 }, marker: { color: colour, size: 5, symbol: "square" },
    };
  });
}

function dailyPeaks(one, shown, clock, scale) {
  const days = one.days.filter((day) => day.peak_at && Date.parse(day.peak_at) >= shown.from && Date.parse(day.peak_at) < shown.to);
  return {
    type: "scatter",
    name: `${escapeHtml(one.name)}, daily peak`,
    mode: "markers",
    x: days.map((day) => clock.localTime(Date.parse(day.peak_at))),
    y: days.map((day) => day.peak_kbps / scale.size),
    // The label also appears beside the marker, so it states the time and rate of the peak itself.
    customdata: days.map((day) => `${day.usage_date}: ${formatRate(day.peak_kbps)} on ${clock.time(Date.parse(day.peak_at))}`),
    marker: { symbol: `${one.symbol}-open`, size: 9, color: one.colour, line: { width: 2 } },
    hovertemplate: "peak of usage date %{customdata}<extra></extra>",
  };
}

function p95Line(one, size) {
  const y = one.figures.p95_kbps / size;
  return { type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: one.colour, width: 1.5, dash: "dash" } };
}

// Places each label beside its line, or at the top if the line is above the chart. Moves overlapping labels apart.
function p95Labels(series, { size, top }, height, range) {
  const isSingle = series.length === 1;
  const labelPx = isSingle ? 16 : 32;
  const unitsPerPx = top / Math.max(height - MARGIN.t - MARGIN.b, 100);
  const label = { xref: "paper", x: 1, xanchor: "left", xshift: 5, align: "left", showarrow: false };
  const ranked = [...series].sort((a, b) => b.figures.p95_kbps - a.figures.p95_kbps);
  const levels = spread(ranked.map((one) => Math.min(one.figures.p95_kbps / size, top)), labelPx * unitsPerPx);
  const labels = ranked.map((one, rank) => {
    const figure = `${one.figures.p95_kbps / size > top ? "↑ " : ""}${formatRate(one.figures.p95_kbps)}`;
    return { ...label, y: levels[rank], text: isSingle ? figure : `${one.sign} ${escapeHtml(shortened(one.name))}<br>${figure}` };
  });
  const heading = { ...label, yref: "paper", y: 1, yanchor: "bottom", xanchor: "right", xshift: MARGIN.r, text: `╌╌ 95th percentile, ${range}` };
  return [heading, ...labels];
}

// Spaces descending levels at least `distance` apart, with none below zero.
function spread(levels, distance) {
  const pushed = [];
  for (const level of levels) pushed.push(Math.min(level, (pushed.at(-1) ?? Infinity) - distance));
  return pushed.map((level, rank) => Math.max(level, (pushed.length - 0.5 - rank) * distance));
}

function shortened(name) {
  return name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH - 1)}…` : name;
}
