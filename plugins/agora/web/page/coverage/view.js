// The view Coverage: what expires soonest, which part is looked at, the heat map, and the legend.
import { read } from "../frame/api.js";
import { CollectBar } from "./collect.js";
import { field, h, select } from "../frame/dom.js";
import { addDays, count, datesBetween, longDate, things } from "../frame/format.js";
import { Grid } from "./grid.js";
import { choose } from "../frame/state.js";
import { STATES, left } from "../frame/states.js";

const SORTS = { expiry: "expires soonest", missing: "most missing", name: "name" };
const APPS_PER_PAGE = 50;
const LONG_DAYS = 62;

export async function show(panel, params) {
  const [rights, coverage] = await Promise.all([read("rights"), load(params)]);
  if (!coverage.from_date) return panel.append(nothingWanted());
  const place = h("div", { class: "scroll" });
  const bar = new CollectBar(rights, async () => draw(await load(params)));
  const band = h("div", { class: "band" });
  const pages = h("div", { class: "pages" });
  panel.append(band, controls(params, coverage), legend(), place, pages, bar.element);
  let grid;

  function draw(fresh) {
    const { from = null, to = null } = grid ?? {};
    const focused = document.activeElement?.place;
    grid = new Grid(datesBetween(fresh.from_date, fresh.to_date), fresh.apps, fresh.by_date, (days) => bar.offer(days));
    place.replaceChildren(fresh.apps.length ? grid.element : nobodyFound(params));
    band.replaceChildren(...expiring(fresh.expiring));
    pages.replaceChildren(...pager(params, fresh.apps_in_all));
    const still = (at) => at && grid.cells[at[0]]?.[at[1]];
    if (still(from) && still(to)) grid.choose(from, to);
    if (still(focused)) grid.focus(...focused);
  }
  draw(coverage);
}

function load(params) {
  return read("coverage", { ...Object.fromEntries(params), apps_per_page: APPS_PER_PAGE });
}

function nothingWanted() {
  return h("div", { class: "empty" },
    h("p", {}, "No app-day is wanted yet."),
    h("p", {}, "Name your App IDs in Airflow's variable agora_apps and trigger the DAG agora_bandwidth_daily: its first run fills this page."));
}

function nobodyFound(params) {
  return h("p", { class: "empty" }, `No app has “${params.get("search") ?? ""}” in its name or App ID and a wanted day between these dates. `,
    h("a", { href: "#coverage" }, "Show all"));
}

function expiring(groups) {
  if (!groups.length) {
    return [h("p", { class: "well" }, h("b", {}, "✓ "), "Nothing that can still be collected is missing.")];
  }
  return groups.map((group) => h("p", { class: group.days_left <= 3 ? "soon" : "later" },
    h("b", {}, `${group.days_left <= 3 ? "▲ " : ""}${left(group.days_left)}: `),
    `${things(group.app_days, "app-day")} of ${things(group.apps, "app")}, `,
    group.first_date === group.last_date ? longDate(group.first_date) : `${longDate(group.first_date)} to ${longDate(group.last_date)}`));
}

function controls(params, { from_date: from, to_date: to }) {
  const change = (changes) => choose("coverage", params, { page: null, ...changes });
  const search = h("input", { type: "search", value: params.get("search") ?? "", placeholder: "name or App ID", onchange: (event) => change({ search: event.target.value }) });
  const day = (name, value) => h("input", { type: "date", value, onchange: (event) => change({ [name]: event.target.value }) });
  return h("div", { class: "controls" },
    field("Apps", search),
    field("Order", select(SORTS, params.get("sort") ?? "expiry", (sort) => change({ sort }))),
    field("From", day("from_date", from)),
    field("To", day("to_date", to)),
    h("button", { onclick: () => change({ from_date: null, to_date: null }) }, "Vendor's window"),
    h("button", { onclick: () => change({ from_date: addDays(to, 1 - LONG_DAYS), to_date: to }) }, `${LONG_DAYS} days`));
}

function legend() {
  return h("ul", { class: "legend", "aria-label": "States" }, Object.entries(STATES).map(([state, { sign, means }]) =>
    h("li", {}, h("span", { class: `swatch ${state}`, "aria-hidden": "true" }, sign), h("b", {}, state), ` ${means}`)));
}

function pager(params, apps) {
  const page = Number(params.get("page") ?? 1);
  const last = Math.max(1, Math.ceil(apps / APPS_PER_PAGE));
  const turn = (to, label) => h("button", { disabled: to < 1 || to > last, onclick: () => choose("coverage", params, { page: to }) }, label);
  const first = APPS_PER_PAGE * (page - 1);
  return [
    turn(page - 1, "‹ Previous"),
    h("span", {}, apps ? `${count(first + 1)}–${count(Math.min(first + APPS_PER_PAGE, apps))} of ${things(apps, "app")}` : "no apps"),
    turn(page + 1, "Next ›"),
  ];
}
