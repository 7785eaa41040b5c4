// The view Coverage: what expires soonest, which part is looked at, the heat map, and the legend.
import { read } from "../frame/api.js";
import { CollectBar } from "./collect.js";
import { dateInput, field, h, select } from "../frame/dom.js";
import { addDays, count, datesBetween, longDate, things } from "../frame/format.js";
import { followFor } from "./following.js";
import { Grid } from "./grid.js";
import { renew } from "./renew.js";
import { choose } from "../frame/address.js";
import { SAME, STATES, left } from "../frame/states.js";

const SORTS = { expiry: "expires soonest", missing: "most missing", name: "name" };
const APPS_PER_PAGE = 50;
const LONG_DAYS = 62;

export async function show(panel, params) {
  const [rights, coverage] = await Promise.all([read("rights"), load(params)]);
  if (!coverage.from_date) return panel.append(nothingExpected());
  let grid;
  const place = h("div", { class: "scroll" });
  const bar = new CollectBar(rights, () => grid.current?.focus({ preventScroll: true }));
  const band = h("div", { class: "band" });
  const pages = h("div", { class: "pages" });
  panel.append(band, controls(params, coverage), legend(), place, pages, bar.element);

  function draw(fresh) {
    const dates = datesBetween(fresh.from_date, fresh.to_date);
    if (grid?.fits(dates, fresh.apps)) grid.paint(fresh.apps, fresh.by_date);
    else if (grid?.dragging) return window.addEventListener("pointerup", () => draw(fresh), { once: true });
    else replaceGrid(dates, fresh);
    band.replaceChildren(...expiring(fresh.expiring));
    renew(pages, pager(params, fresh));
  }

  // Other apps than before: the choice, which was of those, goes.
  function replaceGrid(dates, fresh) {
    const focused = place.contains(document.activeElement) ? document.activeElement.place : null;
    grid = new Grid(dates, fresh.apps, fresh.by_date, (days) => bar.offer(days));
    place.replaceChildren(fresh.apps.length ? grid.element : nobodyFound(params));
    if (focused && grid.cells[focused[0]]?.[focused[1]]) grid.focus(...focused, { preventScroll: true });
  }

  draw(coverage);
  panel.addEventListener("shown", () => {
    place.scrollLeft = place.scrollWidth; // the newest days
    followFor({ element: panel, tell: () => bar.tell(), redraw: async () => draw(await load(params)) });
  });
}

// A page behind the last one, as an old link may name it, is the last one.
async function load(params) {
  const page = Number(params.get("page") ?? 1);
  const coverage = await read("coverage", { ...Object.fromEntries(params), apps_per_page: APPS_PER_PAGE });
  const last = Math.max(1, Math.ceil(coverage.apps_in_all / APPS_PER_PAGE));
  if (page <= last) return { ...coverage, page, last };
  return load(new URLSearchParams({ ...Object.fromEntries(params), page: last }));
}

function nothingExpected() {
  return h("div", { class: "empty" },
    h("p", {}, "No app-day is expected yet."),
    h("p", {}, "Name your App IDs in Airflow's variable agora_apps and trigger the DAG agora_bandwidth_daily: its first run fills this page."));
}

function nobodyFound(params) {
  return h("p", { class: "empty" }, `No app has “${params.get("search") ?? ""}” in its name or App ID and an expected day between these dates. `,
    h("a", { href: "#coverage" }, "Show all"));
}

function expiring(groups) {
  if (!groups.length) {
    return [h("p", { class: "well" }, h("b", {}, "✓ "), "Every day that is still available is collected.")];
  }
  return groups.map((group) => h("p", { class: group.days_left <= 3 ? "soon" : "later" },
    h("b", {}, `${group.days_left <= 3 ? "▲ " : ""}${sentence(left(group.days_left))}: `),
    `${things(group.app_days, "app-day")} of ${things(group.apps, "app")}, `,
    group.first_date === group.last_date ? longDate(group.first_date) : `${longDate(group.first_date)} to ${longDate(group.last_date)}`));
}

const sentence = (words) => words[0].toUpperCase() + words.slice(1);

function controls(params, { from_date: from, to_date: to }) {
  const change = (changes) => choose("coverage", params, { page: null, ...changes });
  const search = h("input", { id: "coverage-search", type: "search", value: params.get("search") ?? "", placeholder: "name or App ID", onchange: (event) => change({ search: event.target.value }) });
  const order = select(SORTS, params.get("sort") ?? "expiry", (sort) => change({ sort }));
  order.id = "coverage-sort";
  const day = (name, value) => dateInput(`coverage-${name}`, value, (date) => change({ [name]: date }));
  return h("div", { class: "controls" },
    field("Apps", search),
    field("Order", order),
    field("From", day("from_date", from)),
    field("To", day("to_date", to)),
    h("button", { id: "coverage-window", onclick: () => change({ from_date: null, to_date: null }) }, "Vendor's window"),
    h("button", { id: "coverage-long", onclick: () => change({ from_date: addDays(to, 1 - LONG_DAYS), to_date: to }) }, `${LONG_DAYS} days`));
}

function legend() {
  return h("ul", { class: "legend", "aria-label": "States" },
    Object.entries(STATES).map(([state, { sign, means }]) => entry(state, sign, state, means)),
    entry("collected same", SAME.sign, "same response", SAME.means));
}

function entry(looks, sign, name, means) {
  return h("li", {}, h("span", { class: `swatch ${looks}`, "aria-hidden": "true" }, sign), h("b", {}, name), ` ${means}`);
}

// A button that leads nowhere stays focusable: the keyboard that turned the last page is at it.
function pager(params, { page, last, apps_in_all: apps }) {
  const turn = (id, to, label) => {
    const isPage = to >= 1 && to <= last;
    return h("button", { id, "aria-disabled": String(!isPage), onclick: () => isPage && choose("coverage", params, { page: to }) }, label);
  };
  const first = APPS_PER_PAGE * (page - 1);
  return [
    turn("coverage-previous", page - 1, "‹ Previous"),
    h("span", {}, apps ? `${count(first + 1)}–${count(Math.min(first + APPS_PER_PAGE, apps))} of ${things(apps, "app")}` : "no apps"),
    turn("coverage-next", page + 1, "Next ›"),
  ];
}
