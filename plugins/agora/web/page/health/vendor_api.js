// The vendor API: requests per day, and the state of each vendor account.
import { h, table } from "../frame/dom.js";
import { addDays, formatCount, formatDate, formatInteger, formatTime } from "../frame/format.js";
import { drawChart } from "../frame/plotly.js";

const DAYS = 31;
export const CHART_ID = "requests-chart";

export function requestsTable({ requests_by_day: days }) {
  if (!days.length) return h("p", { class: "empty" }, "No collection run has finished in the last 31 days. The nightly run starts at 01:30 UTC. You can trigger agora_bandwidth_daily at any time.");
  const rows = [...days].reverse().map((day) => [formatDate(day.ended_on), ...[day.runs, day.requests, day.retries, day.limited].map(formatInteger)]);
  const chart = h("div", { class: "chart", id: CHART_ID, role: "img", "aria-label": "Bar chart of requests and throttled requests by day, as in the table below", "data-keep": true });
  return h("div", {}, chart, h("details", {}, h("summary", {}, "Show as a table"),
    table("Requests by the day on which the run ended (UTC)", ["Day", "Runs", "Requests", "Retries", "Throttled (429)"], rows, { class: "plain" })));
}

export function drawRequests(element, { requests_by_day: days, now }) {
  const today = now.slice(0, 10);
  const bars = (key, name, shape) => ({
    type: "bar", name, x: days.map((day) => day.ended_on), y: days.map((day) => day[key]), width: 0.36 * 864e5,
    marker: { pattern: { shape } }, hovertemplate: "%{y:,} %{fullData.name}, %{x|%-d %B %Y}<extra></extra>",
  });
  return drawChart(element, [bars("requests", "requests", ""), bars("limited", "throttled (429)", "/")], {
    barmode: "group",
    showlegend: true,
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom" },
    xaxis: { type: "date", range: [`${addDays(today, -DAYS)} 12:00`, `${today} 12:00`], tickformat: "%-d %b", fixedrange: true, showgrid: false },
    yaxis: { title: { text: "requests" }, rangemode: "tozero", tickformat: ",d", fixedrange: true },
    margin: { t: 40, r: 10, b: 30 },
  });
}

export function accountsTable(accounts) {
  if (!accounts.length) return h("p", { class: "empty" }, "There are no vendor accounts yet.");
  const headings = ["Account", "Time zone", "Vendor window", "Newest refused day", "Request rate", "Last response", "Newest collected day"];
  const rows = accounts.map((account) => [
    h("span", {}, account.conn_id, h("small", {}, formatCount(account.apps ?? 0, "app"))),
    account.timezone,
    account.window_length.replace(/\bmon\b/, "month").replace(/\bmons\b/, "months"),
    newestRefused(account),
    account.requests_per_second === null ? "no requests yet" : `${account.requests_per_second.toLocaleString("en", { maximumSignificantDigits: 3 })} requests/s`,
    formatTime(account.paced_at),
    account.newest_collected ? formatDate(account.newest_collected) : "none",
  ]);
  return h("div", { class: "scroll" }, table("Settings from Airflow's connections, and the vendor's responses", headings, rows, { class: "plain" }));
}

function newestRefused({ newest_refused: date, refusal }) {
  if (!date) return h("span", { class: "muted" }, "none in the vendor window");
  return h("span", {}, formatDate(date), refusal && h("small", {}, refusal));
}
