// The Health view: incomplete days, the last and next runs, the vendor accounts, and suspicious responses.
import { dayAddress } from "../frame/address.js";
import { read } from "../frame/api.js";
import { timeLeft } from "../frame/app_day_states.js";
import { h, morph } from "../frame/dom.js";
import { formatCount, formatDate, formatInteger, formatTime } from "../frame/format.js";
import { failureNotices, lastRuns, lateNotices, runsTable, schedulesTable } from "./runs.js";
import { dropsNotice, restatementsTable, review, sameResponsesTable } from "./suspicious_responses.js";
import { CHART_ID, accountsTable, drawRequests, requestsTable } from "./vendor_api.js";

const WARNING_DAYS = 3;

export async function show(panel) {
  const rights = await read("rights");
  let health;
  let reviewed = null;

  // Preserves the focus, the scroll positions and the open tables.
  async function update() {
    health = await read("health");
    morph(panel, content(health, await lastRuns(health.runs), rights, reviewed));
    if (panel.isConnected) await drawChart(panel, health);
  }

  async function markAsReviewed(button) {
    if (!(await review(health, button))) return;
    reviewed = `Marked as reviewed by ${rights.user}.`;
    await update();
    panel.querySelector("#reviewed").focus({ preventScroll: true });
  }

  panel.addEventListener("click", (event) => {
    if (event.target.id === "review") markAsReviewed(event.target);
    if (event.target.id === "view-restatements") scrollToRestatements(event);
  });
  await update();
  panel.addEventListener("shown", () => drawChart(panel, health));
  panel.addEventListener("changed", () => update().catch(() => {})); // the strip shows the error
}

async function drawChart(panel, health) {
  const chart = panel.querySelector(`#${CHART_ID}`);
  if (chart) await drawRequests(chart, health).catch((error) => chart.replaceChildren(error.message));
}

function content(health, runs, rights, reviewed) {
  const problems = health.problems.map((problem) => h("p", { class: "notice warning" }, h("b", {}, "✕ "), problem));
  if (!health.accounts.length && !runs.rows.length) return [...problems, emptyState(), h("h2", {}, "Next runs"), schedulesTable(health.schedules)];
  return [
    ...problems, windowNotice(health),
    h("div", { role: "status" }, dropsNotice(health, rights), reviewed && h("p", { class: "notice success", id: "reviewed", tabindex: -1 }, h("b", {}, "✓ "), reviewed)),
    h("div", {}, lateNotices(health.schedules), failureNotices(runs.ended)), tiles(health, runs.ended),
    h("h2", {}, "Last runs"), runsTable(runs),
    h("h2", {}, "Next runs"), schedulesTable(health.schedules),
    h("h2", {}, "Requests by day"), requestsTable(health),
    h("h2", {}, "Vendor accounts"), accountsTable(health.accounts),
    h("h2", { id: "restatements", tabindex: -1 }, "Restatements"), restatementsTable(health),
    h("h2", {}, "Same response for several apps"), sameResponsesTable(health),
    h("p", { class: "muted" }, `Times are in your time zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}. Usage dates are in the vendor's time zone. Updated ${formatTime(health.now)}.`),
  ];
}

function scrollToRestatements(event) {
  event.preventDefault();
  const heading = document.getElementById("restatements");
  heading.scrollIntoView({ block: "start" });
  heading.focus({ preventScroll: true });
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
      ? tile("Oldest incomplete day", h("a", { href: dayAddress(oldest) }, formatDate(oldest.usage_date)), `${oldest.app_name}: ${oldest.state}`, oldest.reason, timeLeft(oldest.days_left))
      : tile("Oldest incomplete day", "none", "of the days still available"),
    tile("App-days in the vendor window", formatInteger(vendorWindow.app_days), Object.entries(vendorWindow.states).map(([state, number]) => `${formatInteger(number)} ${state}`).join(", ")),
    tile("Lost app-days", formatInteger(health.lost_app_days), "expected, never collected, no longer available"),
    lastRun ? tile("Last run ended", formatTime(lastRun.ended_at), lastRun.dag_id, lastRun.label) : tile("Last run ended", "none yet"),
    days.length
      ? tile("Requests, last 31 days", formatInteger(sum("requests")), `${formatInteger(sum("limited"))} throttled (HTTP 429)`, formatCount(sum("retries"), "retry", "retries"))
      : tile("Requests, last 31 days", "none yet"),
    tile("Restatements, last 31 days", formatInteger(health.restatements_in_all), "app-days changed by the vendor after collection"));
}
