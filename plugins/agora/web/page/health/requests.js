// Requests and 429s of the last 31 days, by the day (UTC) on which the run ended.
import { draw } from "../frame/chart.js";
import { h, table } from "../frame/dom.js";
import { addDays, count, longDate } from "../frame/format.js";

const DAYS = 31;

export function requestsTable({ requests_by_day: days }, chart) {
  if (!days.length) return h("p", { class: "empty" }, "No collecting run ended in the last 31 days. The nightly run starts at 01:30 UTC. You can trigger agora_bandwidth_daily at any time.");
  const rows = [...days].reverse().map((day) => [longDate(day.ended_on), count(day.runs), count(day.requests), count(day.retries), count(day.limited)]);
  return h("div", {}, chart, h("details", {}, h("summary", {}, "As a table"),
    table("By the day on which the run ended (UTC)", ["Day", "Runs", "Requests", "Retries", "Throttled (429)"], rows, { class: "plain" })));
}

export function requestsChart(element, { requests_by_day: days, now }) {
  const today = now.slice(0, 10);
  const bars = (key, name, shape) => ({
    type: "bar", name, x: days.map((day) => day.ended_on), y: days.map((day) => day[key]), width: 0.36 * 864e5,
    marker: { pattern: { shape } }, hovertemplate: "%{y:,} %{fullData.name}, %{x|%-d %B %Y}<extra></extra>",
  });
  return draw(element, [bars("requests", "requests", ""), bars("limited", "throttled (429)", "/")], {
    barmode: "group",
    showlegend: true,
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom" },
    xaxis: { type: "date", range: [`${addDays(today, -DAYS)} 12:00`, `${today} 12:00`], tickformat: "%-d %b", fixedrange: true, showgrid: false },
    yaxis: { title: { text: "requests" }, rangemode: "tozero", tickformat: ",d", fixedrange: true },
    margin: { t: 40, r: 10, b: 30 },
  });
}
