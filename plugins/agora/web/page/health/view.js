// The Health view: incomplete days, the last and next runs, the vendor accounts, and suspicious responses.
import { read } from "../frame/api.js";
import { timeLeft } from "../frame/app_day_states.js";
import { h } from "../frame/dom.js";
import { formatCount, formatDate, formatInteger, formatTime } from "../frame/format.js";
import { failureNotices, lastRuns, lateNotices, runsTable, schedulesTable } from "./runs.js";
import { dropsNotice, restatementsTable, sameResponsesTable } from "./suspicious_responses.js";
import { accountsTable, drawRequests, requestsTable } from "./vendor_api.js";

const WARNING_DAYS = 3;

export async function show(panel) {
  const [health, rights] = await Promise.all([read("health"), read("rights")]);
  const runs = await lastRuns(health.runs);
  panel.append(...health.problems.map((problem) => h("p", { class: "notice warning" }, h("b", {}, "✕ "), problem)));
  if (!health.accounts.length && !runs.rows.length) return panel.append(emptyState(), h("h2", {}, "Next runs"), schedulesTable(health.schedules));
  const chart = h("div", { class: "chart", role: "img", "aria-label": "Bar chart of requests and throttled requests by day, as in the table below" });
  const drops = h("div", { role: "status" });
  const restatements = h("div");
  function update(fresh) {
    const notice = dropsNotice(fresh, rights, async () => {
      update(await read("health"));
      drops.append(h("p", { class: "notice success", id: "reviewed", tabindex: -1 }, h("b", {}, "✓ "), `Marked as reviewed by ${rights.user}.`));
      document.getElementById("reviewed").focus({ preventScroll: true });
    });
    drops.replaceChildren(...(notice ? [notice] : []));
    restatements.replaceChildren(restatementsTable(fresh));
  }
  update(health);
  panel.append(
    windowNotice(health), drops, ...lateNotices(health.schedules), ...failureNotices(runs.ended), tiles(health, runs.ended),
    h("h2", {}, "Last runs"), runsTable(runs),
    h("h2", {}, "Next runs"), schedulesTable(health.schedules),
    h("h2", {}, "Requests by day"), requestsTable(health, chart),
    h("h2", {}, "Vendor accounts"), accountsTable(health.accounts),
    h("h2", { id: "restatements", tabindex: -1 }, "Restatements"), restatements,
    h("h2", {}, "Same response for several apps"), sameResponsesTable(health),
    h("p", { class: "muted" }, `Times are in your time zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}. Usage dates are in the vendor's time zone. Updated ${formatTime(health.now)}.`));
  if (health.requests_by_day.length) panel.addEventListener("shown", () => drawRequests(chart, health).catch((error) => chart.replaceChildren(error.message)));
}

function emptyState() {
  return h("div", { class: "empty" },
    h("p", {}, "No data has been collected yet, and no run has started."),
    h("p", {}, "Add your App IDs to the Airflow variable agora_apps and trigger the DAG agora_bandwidth_daily. This page then shows the progress."));
}

function windowNotice({ window: vendorWindow }) {
  const { app_days: expected, open_app_days: open, open_apps: apps, days_left: days } = vendorWindow;
  const coverage = h("a", { href: "#coverage" }, "Coverage");
  if (!expected && !open) return h("p", { class: "notice" }, "No app-days are expected in the vendor window. ", coverage, " shows the collected days.");
  if (!open) {
    return h("p", { class: "notice success" }, h("b", {}, "✓ "), `All ${formatCount(expected, "app-day")} in the vendor window are collected. `, coverage);
  }
  const isUrgent = days <= WARNING_DAYS;
  const expiry = days < 0 ? "is past the vendor window and still requested"
    : days === 0 ? "expires today" : `expires in ${formatCount(days, "day")}`;
  return h("p", { class: isUrgent ? "notice warning" : "notice" }, h("b", {}, isUrgent ? "▲ " : "◐ "),
    `${formatCount(open, "app-day")} of ${formatCount(apps, "app")} ${open === 1 ? "is" : "are"} incomplete. The first ${expiry}. `,
    "The next run requests all incomplete days. See ", coverage, ".");
}

function tile(label, figure, ...lines) {
  return h("div", { class: "tile" }, label, h("b", {}, figure), ...lines.filter(Boolean).map((line) => h("span", { class: "line muted" }, line)));
}

function tiles(health, [lastRun]) {
  const { window: vendorWindow, oldest, requests_by_day: days } = health;
  const sum = (name) => days.reduce((total, day) => total + day[name], 0);
  return h("div", { class: "tiles" },
    oldest
      ? tile("Oldest incomplete day", formatDate(oldest.usage_date), `${oldest.app_name}: ${oldest.state}`, oldest.reason, timeLeft(oldest.days_left))
      : tile("Oldest incomplete day", "none", "of the days still available"),
    tile("App-days in the vendor window", formatInteger(vendorWindow.app_days), Object.entries(vendorWindow.states).map(([state, number]) => `${formatInteger(number)} ${state}`).join(", ")),
    tile("Lost app-days", formatInteger(health.lost_app_days), "expected, never collected, no longer available"),
    lastRun ? tile("Last run ended", formatTime(lastRun.ended_at), lastRun.dag_id, lastRun.label) : tile("Last run ended", "none yet"),
    days.length
      ? tile("Requests, last 31 days", formatInteger(sum("requests")), `${formatInteger(sum("limited"))} throttled (HTTP 429)`, formatCount(sum("retries"), "retry", "retries"))
      : tile("Requests, last 31 days", "none yet"),
    tile("Restatements, last 31 days", formatInteger(health.restatements_in_all), "app-days changed by the vendor after collection"));
}
