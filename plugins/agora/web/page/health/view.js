// The view Health: whether everything is collected, what the last runs did, and what each account may ask.
import { read } from "../frame/api.js";
import { accounts } from "./accounts.js";
import { requestsChart, requestsTable } from "./requests.js";
import { failures, lastRuns, runsTable } from "./runs.js";
import { h, table } from "../frame/dom.js";
import { count, longDate, things } from "../frame/format.js";
import { left } from "../frame/states.js";
import { at, zoneWords } from "./times.js";

const SOON_DAYS = 3;

export async function show(panel) {
  const health = await read("health");
  const runs = await lastRuns(health.runs);
  if (!health.accounts.length && !runs.rows.length) return panel.append(nothingYet());
  const chart = h("div", { class: "chart", role: "img", "aria-label": "Bars of requests and of answers 429 by day, as in the table below" });
  panel.append(
    verdict(health), ...failures(runs.ended), tiles(health, runs.ended),
    h("h2", {}, "Last runs"), runsTable(runs),
    h("h2", {}, "Requests by day"), requestsTable(health, chart),
    h("h2", {}, "Vendor accounts"), accounts(health.accounts),
    h("h2", {}, "Days that the vendor changed later"), restatements(health),
    h("p", { class: "quiet" }, `Times are ${zoneWords()}; usage dates are the vendor's. As of ${at(health.now)}.`));
  if (health.requests_by_day.length) panel.addEventListener("shown", () => requestsChart(chart, health).catch((trouble) => chart.replaceChildren(trouble.message)));
}

function nothingYet() {
  return h("div", { class: "empty" },
    h("p", {}, "Nothing was collected yet, and no run was started."),
    h("p", {}, "Name your App IDs in Airflow's variable agora_apps and trigger the DAG agora_bandwidth_daily: what it does is shown here."));
}

function verdict({ window: held }) {
  const coverage = h("a", { href: "#coverage" }, "Coverage");
  if (!held.app_days) return h("p", { class: "verdict" }, "No app-day of the vendor's window is wanted. ", coverage, " shows what was collected.");
  if (!held.open_app_days) {
    return h("p", { class: "verdict well" }, h("b", {}, "✓ "),
      held.states.lost
        ? `Nothing that can still be had is missing: ${count(held.states.collected ?? 0)} of ${things(held.app_days, "app-day")} of the window are collected, ${count(held.states.lost)} lost. `
        : `All ${things(held.app_days, "app-day")} of the window are collected. `, coverage);
  }
  const isSoon = held.days_left <= SOON_DAYS;
  const expiry = held.days_left === 0 ? "today is the last day to collect the first" : `the first expires in ${things(held.days_left, "day")}`;
  return h("p", { class: isSoon ? "verdict soon" : "verdict" }, h("b", {}, isSoon ? "▲ " : "◐ "),
    `${things(held.open_app_days, "app-day")} of ${things(held.open_apps, "app")} ${held.open_app_days === 1 ? "is" : "are"} not complete; ${expiry}. `,
    "The next run asks for what is missing. See ", coverage, ".");
}

function tile(label, figure, ...lines) {
  return h("div", { class: "tile" }, label, h("b", {}, figure), ...lines.filter(Boolean).map((line) => h("span", { class: "line quiet" }, line)));
}

function tiles(health, [last]) {
  const { window: held, oldest, requests_by_day: days } = health;
  const sum = (name) => days.reduce((all, day) => all + day[name], 0);
  return h("div", { class: "tiles" },
    oldest
      ? tile("Oldest day not complete", longDate(oldest.usage_date), `${oldest.app_name}: ${oldest.state}`, oldest.reason, left(oldest.days_left))
      : tile("Oldest day not complete", "none", "of those that can still be had"),
    tile("App-days of the window", count(held.app_days), Object.entries(held.states).map(([state, number]) => `${count(number)} ${state}`).join(", ")),
    tile("Lost for good", count(health.lost_app_days), "app-days, of all times"),
    last ? tile("Last run ended", at(last.ended_at), last.dag_id, last.words) : tile("Last run ended", "none yet"),
    days.length
      ? tile("Requests, last 31 days", count(sum("requests")), `${count(sum("limited"))} answered 429`, `${count(sum("retries"))} retries`)
      : tile("Requests, last 31 days", "none yet"),
    tile("Changed later, last 31 days", count(health.restatements_in_all), "app-days that the vendor gave anew"));
}

function restatements({ restatements: days, restatements_in_all: all }) {
  if (!days.length) return h("p", {}, "None in the last 31 days.");
  const rows = days.map((day) => [day.app_name, longDate(day.usage_date), at(day.restated_at), count(day.points_changed), count(day.points_added)]);
  const caption = all > days.length ? `The ${count(days.length)} newest of ${count(all)}` : "In the last 31 days";
  return h("div", { class: "scroll" }, table(caption, ["App", "Usage date", "Replaced at", "Points changed", "Points added"], rows, { class: "plain" }));
}
