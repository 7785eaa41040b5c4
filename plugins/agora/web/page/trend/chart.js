// Draws a trend chart: one line per figure that connects complete periods, open markers for incomplete ones, and a line
// for the committed rate.
import { formatRate, rateUnit } from "../frame/format.js";
import { drawChart } from "../frame/plotly.js";

export const FIGURES = {
  p95_kbps: { name: "95th percentile", colour: "--line-1", symbol: "circle" },
  peak_kbps: { name: "Peak", colour: "--line-2", symbol: "square" },
};
const MARKERS_UP_TO = 62; // more markers would hide the line

export function drawTrend(element, trend, isLogarithmic) {
  const commit = trend.commit_kbps;
  const largest = Math.max(commit ?? 0, ...trend.rows.map((row) => row.peak_kbps ?? 0));
  const [size, unit] = rateUnit(largest);
  const traces = Object.keys(FIGURES).flatMap((key) => [
    trace(trend, key, size, (row) => row.is_complete),
    trace(trend, key, size, (row) => !row.is_complete),
  ]);
  return drawChart(element, traces.filter(Boolean), {
    hovermode: "closest",
    showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    xaxis: { type: "date", fixedrange: true, showgrid: false, ticks: "outside", ...(trend.step === "month" && trend.rows.length <= 24 && { tickformat: "%b\n%Y", dtick: trend.rows.length > 12 ? "M2" : "M1" }) },
    yaxis: { type: isLogarithmic ? "log" : "linear", fixedrange: true, title: { text: unit }, ...(!isLogarithmic && { rangemode: "tozero" }) },
    shapes: commit === null ? [] : [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: commit / size, y1: commit / size, line: { color: "--line-3", width: 2, dash: "dash" } }],
    annotations: commit === null ? [] : [{ xref: "paper", x: 1, xanchor: "right", y: isLogarithmic ? Math.log10(commit / size) : commit / size, yanchor: "bottom", showarrow: false, text: `Commit ${formatRate(commit)}` }],
    margin: { l: 64, r: 20, t: 40, b: 44 },
  });
}

// Returns the trace of the complete or of the incomplete rows. A line has a gap where a row belongs to the other trace.
// A logarithmic axis cannot show zero.
function trace(trend, key, size, isShown) {
  const { name, colour, symbol } = FIGURES[key];
  const isLine = isShown({ is_complete: true });
  const rows = trend.rows.filter((row) => isLine || isShown(row));
  if (!rows.some((row) => isShown(row) && row[key] !== null)) return null;
  return {
    type: "scatter",
    name: isLine ? name : `${name}, incomplete`,
    mode: !isLine ? "markers" : trend.rows.length > MARKERS_UP_TO ? "lines" : "lines+markers",
    x: rows.map((row) => row.date),
    y: rows.map((row) => (isShown(row) && row[key] !== null ? row[key] / size : null)),
    customdata: rows.map((row) => `${formatRate(row[key])}<br>${row.date.slice(0, trend.step === "month" ? 7 : 10)}, ${row.status}`),
    connectgaps: false,
    line: { color: colour, width: 2 },
    marker: { color: colour, symbol: isLine ? symbol : "diamond-open", size: isLine ? 7 : 10, line: { color: colour, width: 2 } },
    hovertemplate: `${name}: %{customdata}<extra></extra>`,
  };
}
