// The view Health: what is missing, the last and the next runs, the vendor accounts, and doubtful responses.
import { read } from "../frame/api.js";
import { accounts } from "./accounts.js";
import { requestsChart, requestsTable } from "./requests.js";
import { failures, lastRuns, runsTable } from "./runs.js";
import { lateSchedules, schedulesTable } from "./schedules.js";
import { dropsToReview, restatementsTable } from "./restatements.js";
import { sameResponses } from "./same_responses.js";
import { h } from "../frame/dom.js";
import { count, longDate, things } from "../frame/format.js";
import { left } from "../frame/states.js";
import { at, zoneWords } from "./times.js";

const SOON_DAYS = 3;

export async function show(panel) {
  const [health, rights] = await Promise.all([read("health"), read("rights")]);
  const runs = await lastRuns(health.runs);
  panel.append(...health.problems.map((problem) => h("p", { class: "verdict soon" }, h("b", {}, "✕ "), problem)));
  if (!health.accounts.length && !runs.rows.length) return panel.append(nothingYet(), h("h2", {}, "Next runs"), schedulesTable(health.schedules));
  const chart = h("div", { class: "chart", role: "img", "aria-label": "Bars of requests and of throttled ones by day, as in the table below" });
  const review = h("div", { role: "status" });
  const restatements = h("div");
  function draw(fresh) {
    const toReview = dropsToReview(fresh, rights, async () => {
      draw(await read("health"));
      review.append(h("p", { class: "verdict well", id: "reviewed", tabindex: -1 }, h("b", {}, "✓ "), `Marked as reviewed by ${rights.user}.`));
      document.getElementById("reviewed").focus({ preventScroll: true });
    });
    review.replaceChildren(...(toReview ? [toReview] : []));
    restatements.replaceChildren(restatementsTable(fresh));
  }
  draw(health);
  panel.append(
    verdict(health), review, ...lateSchedules(health.schedules), ...failures(runs.ended), tiles(health, runs.ended),
    h("h2", {}, "Last runs"), runsTable(runs),
    h("h2", {}, "Next runs"), schedulesTable(health.schedules),
    h("h2", {}, "Requests by day"), requestsTable(health, chart),
    h("h2", {}, "Vendor accounts"), accounts(health.accounts),
    h("h2", { id: "restatements", tabindex: -1 }, "Days that the vendor changed later"), restatements,
    h("h2", {}, "Same responses for several apps"), sameResponses(health),
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
  if (!held.app_days && !held.open_app_days) return h("p", { class: "verdict" }, "No app-day of the vendor's window is expected. ", coverage, " shows what was collected.");
  if (!held.open_app_days) {
    return h("p", { class: "verdict well" }, h("b", {}, "✓ "), `All ${things(held.app_days, "app-day")} of the window are collected. `, coverage);
  }
  const isSoon = held.days_left <= SOON_DAYS;
  const expiry = held.days_left < 0 ? "the first is out of the window by the calendar, and still requested"
    : held.days_left === 0 ? "today is the last day to collect the first" : `the first expires in ${things(held.days_left, "day")}`;
  return h("p", { class: isSoon ? "verdict soon" : "verdict" }, h("b", {}, isSoon ? "▲ " : "◐ "),
    `${things(held.open_app_days, "app-day")} of ${things(held.open_apps, "app")} ${held.open_app_days === 1 ? "is" : "are"} not complete; ${expiry}. `,
    "The next run requests them. See ", coverage, ".");
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
      : tile("Oldest day not complete", "none", "of those that are still available"),
    tile("App-days of the window", count(held.app_days), Object.entries(held.states).map(([state, number]) => `${count(number)} ${state}`).join(", ")),
    tile("Lost app-days", count(health.lost_app_days), "expected, never collected, no longer available"),
    last ? tile("Last run ended", at(last.ended_at), last.dag_id, last.words) : tile("Last run ended", "none yet"),
    days.length
      ? tile("Requests, last 31 days", count(sum("requests")), `${count(sum("limited"))} throttled (HTTP 429)`, things(sum("retries"), "retry", "retries"))
      : tile("Requests, last 31 days", "none yet"),
    tile("Changed later, last 31 days", count(health.restatements_in_all), "app-days that the vendor restated"));
}
