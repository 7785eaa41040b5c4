// The Coverage view: the days that expire first, the controls, the legend, the grid, and the bar to collect days.
import { navigate } from "../frame/address.js";
import { read } from "../frame/api.js";
import { SAME_RESPONSE, STATES, timeLeft } from "../frame/app_day_states.js";
import { dateInput, field, h, replaceIfChanged, select } from "../frame/dom.js";
import { addDays, datesBetween, formatCount, formatDate, formatInteger } from "../frame/format.js";
import { CollectBar } from "./collect_bar.js";
import { Grid } from "./grid.js";
import { setView } from "./triggered_runs.js";

const SORTS = { expiry: "Expires first", missing: "Most missing", name: "Name" };
const APPS_PER_PAGE = 50;
const LONG_RANGE_DAYS = 62;
const WARNING_DAYS = 3;

export async function show(panel, params) {
  const [rights, coverage] = await Promise.all([read("rights"), load(params)]);
  if (!coverage.from_date) return panel.append(noExpectedDays());
  let grid;
  const place = h("div", { class: "scroll" });
  const bar = new CollectBar(rights, () => grid.focusedCell?.focus({ preventScroll: true }));
  const expiring = h("div", { class: "expiring" });
  const pages = h("div", { class: "pages" });
  panel.append(expiring, controls(params, coverage), legend(), place, pages, bar.element);

  function draw(fresh) {
    const dates = datesBetween(fresh.from_date, fresh.to_date);
    if (grid?.fits(dates, fresh.apps)) grid.paint(fresh.apps, fresh.by_date);
    else if (grid?.dragging) return window.addEventListener("pointerup", () => draw(fresh), { once: true });
    else replaceGrid(dates, fresh);
    expiring.replaceChildren(...expiryNotices(fresh.expiring));
    replaceIfChanged(pages, pager(params, fresh));
  }

  // Clears the selection, because the apps or dates are different.
  function replaceGrid(dates, fresh) {
    const focused = place.contains(document.activeElement) ? document.activeElement.place : null;
    grid = new Grid(dates, fresh.apps, fresh.by_date, (days) => bar.select(days));
    place.replaceChildren(fresh.apps.length ? grid.element : noMatch(params));
    if (focused && grid.cells[focused[0]]?.[focused[1]]) grid.focus(...focused, { preventScroll: true });
  }

  draw(coverage);
  panel.addEventListener("shown", () => {
    place.scrollLeft = place.scrollWidth; // the newest days
    setView({ element: panel, showRuns: () => bar.update(), reload: async () => draw(await load(params)) });
  });
}

// Falls back to the last page if an old link refers to a later page.
async function load(params) {
  const page = Number(params.get("page") ?? 1);
  const coverage = await read("coverage", { ...Object.fromEntries(params), apps_per_page: APPS_PER_PAGE });
  const last = Math.max(1, Math.ceil(coverage.apps_in_all / APPS_PER_PAGE));
  if (page <= last) return { ...coverage, page, last };
  return load(new URLSearchParams({ ...Object.fromEntries(params), page: last }));
}

function noExpectedDays() {
  return h("div", { class: "empty" },
    h("p", {}, "No app-days are expected yet."),
    h("p", {}, "Add your App IDs to the Airflow variable agora_apps and trigger the DAG agora_bandwidth_daily. The first run fills this page."));
}

function noMatch(params) {
  return h("p", { class: "empty" }, `No app with an expected day in this range matches “${params.get("search") ?? ""}”. `,
    h("a", { href: "#coverage" }, "Show all apps"));
}

function expiryNotices(groups) {
  if (!groups.length) {
    return [h("p", { class: "success" }, h("b", {}, "✓ "), "Every available day is collected.")];
  }
  return groups.map((group) => h("p", { class: group.days_left <= WARNING_DAYS ? "warning" : null },
    h("b", {}, `${group.days_left <= WARNING_DAYS ? "▲ " : ""}${capitalized(timeLeft(group.days_left))}: `),
    `${formatCount(group.app_days, "app-day")} of ${formatCount(group.apps, "app")}, `,
    group.first_date === group.last_date ? formatDate(group.first_date) : `${formatDate(group.first_date)} to ${formatDate(group.last_date)}`));
}

const capitalized = (text) => text[0].toUpperCase() + text.slice(1);

function controls(params, { from_date: from, to_date: to }) {
  const change = (changes) => navigate("coverage", params, { page: null, ...changes });
  const search = h("input", { id: "coverage-search", type: "search", value: params.get("search") ?? "", placeholder: "name or App ID", onchange: (event) => change({ search: event.target.value }) });
  const order = select("coverage-sort", SORTS, params.get("sort") ?? "expiry", (sort) => change({ sort }));
  const day = (name, value) => dateInput(`coverage-${name}`, value, (date) => change({ [name]: date }));
  return h("div", { class: "controls" },
    field("Apps", search),
    field("Order", order),
    field("From", day("from_date", from)),
    field("To", day("to_date", to)),
    h("button", { id: "coverage-window", onclick: () => change({ from_date: null, to_date: null }) }, "Vendor window"),
    h("button", { id: "coverage-long", onclick: () => change({ from_date: addDays(to, 1 - LONG_RANGE_DAYS), to_date: to }) }, `${LONG_RANGE_DAYS} days`));
}

function legend() {
  return h("ul", { class: "legend", "aria-label": "States" },
    Object.entries(STATES).map(([state, { sign, means }]) => legendEntry(state, sign, state, means)),
    legendEntry("collected same-response", SAME_RESPONSE.sign, "same response", SAME_RESPONSE.means));
}

function legendEntry(className, sign, name, means) {
  return h("li", {}, h("span", { class: `swatch ${className}`, "aria-hidden": "true" }, sign), h("b", {}, name), ` ${means}`);
}

// An inactive button stays focusable, so the keyboard focus survives the last page.
function pager(params, { page, last, apps_in_all: apps }) {
  const button = (id, target, label) => {
    const isPage = target >= 1 && target <= last;
    return h("button", { id, "aria-disabled": String(!isPage), onclick: () => isPage && navigate("coverage", params, { page: target }) }, label);
  };
  const first = APPS_PER_PAGE * (page - 1);
  return [
    button("coverage-previous", page - 1, "‹ Previous"),
    h("span", {}, apps ? `${formatInteger(first + 1)}–${formatInteger(Math.min(first + APPS_PER_PAGE, apps))} of ${formatCount(apps, "app")}` : "no apps"),
    button("coverage-next", page + 1, "Next ›"),
  ];
}
