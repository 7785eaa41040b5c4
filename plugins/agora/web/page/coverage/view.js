// The Coverage view: the days that expire first, the controls, the legend, the grid, and the bar to collect days.
import { currentParams, navigate, updateAddress } from "../frame/address.js";
import { isInvalid, read } from "../frame/api.js";
import { SAME_RESPONSE, STATES, timeLeft } from "../frame/app_day_states.js";
import { dateInput, field, h, morph, replaceIfChanged, select } from "../frame/dom.js";
import { addDays, datesBetween, formatCount, formatDate, formatInteger } from "../frame/format.js";
import { CollectBar } from "./collect_bar.js";
import { DayHistory } from "./day_history.js";
import { Grid } from "./grid.js";
import { setView } from "./triggered_runs.js";

const SORTS = { expiry: "Expires first", missing: "Most missing", name: "Name" };
const CHOICES = ["from_date", "to_date", "search", "sort"];
const APPS_PER_PAGE = 50;
const LONG_RANGE_DAYS = 62;
const WARNING_DAYS = 3;

export async function show(panel, params) {
  let coverage;
  const rights = await read("rights");
  try {
    coverage = await load(params);
  } catch (error) {
    if (!isInvalid(error)) throw error;
    return panel.append(controls(params, Object.fromEntries(params), error.fields), invalidDates());
  }
  if (!coverage.from_date) return panel.append(noExpectedDays());
  new Coverage(panel, params, rights, coverage);
}

class Coverage {
  constructor(panel, params, rights, coverage) {
    Object.assign(this, { panel, params });
    this.place = h("div", { class: "scroll" });
    this.bar = new CollectBar(rights, () => this.grid.focusedCell?.focus({ preventScroll: true }));
    this.expiring = h("div", { class: "expiring" });
    this.pages = h("div", { class: "pages" });
    panel.append(this.expiring, controls(params, coverage), legend(), this.place, this.pages, this.bar.element);
    this.#draw(coverage);
    panel.addEventListener("shown", () => {
      this.place.scrollLeft = this.place.scrollWidth; // the newest days
      setView({ element: panel, showRuns: () => this.bar.update(), reload: () => this.#reload() });
      const [appId, date] = (params.get("day") ?? "").split(",");
      if (appId && date) this.#open(appId, date);
    });
    panel.addEventListener("changed", () => this.#reload().catch(() => {})); // the strip shows the error
  }

  async #reload() {
    this.#draw(await load(this.params));
    await this.history?.update();
  }

  #draw(fresh) {
    const dates = datesBetween(fresh.from_date, fresh.to_date);
    if (this.grid?.fits(dates, fresh.apps)) this.grid.paint(fresh.apps, fresh.by_date);
    else if (this.grid?.dragging) return window.addEventListener("pointerup", () => this.#draw(fresh), { once: true });
    else this.#replaceGrid(dates, fresh);
    morph(this.expiring, expiryNotices(fresh.expiring));
    replaceIfChanged(this.pages, pager(fresh));
  }

  // Preserves the selection if the new grid contains its corners.
  #replaceGrid(dates, fresh) {
    const focused = this.place.contains(document.activeElement) ? document.activeElement.place : null;
    const selected = this.grid?.choice ?? this.params.get("selected") ?? "";
    this.grid = new Grid(dates, fresh.apps, fresh.by_date, {
      select: (days) => this.bar.select(days),
      settle: (choice) => this.#setAddress({ selected: choice }),
      open: (app, date) => this.#open(app.app_id, date),
      showDate: (date) => navigateTo({ from_date: date, to_date: date, sort: "missing" }),
      trafficOf: (app) => trafficAddress(app, dates),
    });
    this.place.replaceChildren(fresh.apps.length ? this.grid.element : noMatch(this.params));
    this.grid.restore(selected);
    if (focused) this.grid.focus(focused, { preventScroll: true });
  }

  #open(appId, date) {
    this.history = new DayHistory(appId, date, {
      buttons: (days) => this.bar.buttons(days),
      onclose: () => this.#close(),
    });
    this.panel.append(this.history.element);
    this.#setAddress({ day: `${appId},${date}` });
    this.history.open();
  }

  #close() {
    this.history.element.remove();
    this.history = null;
    this.#setAddress({ day: null });
  }

  // Stores changed choices in the address. A view that is not shown yet leaves the address unchanged.
  #setAddress(changes) {
    const params = currentParams();
    const isChanged = Object.entries(changes).some(([name, value]) => (params.get(name) ?? "") !== (value ?? ""));
    if (isChanged && this.panel.isConnected) updateAddress("coverage", params, changes);
  }
}

// Falls back to the last page if an old link refers to a later page.
async function load(params) {
  const page = Math.max(1, Number.parseInt(params.get("page"), 10) || 1);
  const choices = Object.fromEntries(CHOICES.map((name) => [name, params.get(name)]));
  const sort = choices.sort in SORTS ? choices.sort : null;
  const coverage = await read("coverage", { ...choices, sort, page, apps_per_page: APPS_PER_PAGE });
  const last = Math.max(1, Math.ceil(coverage.apps_in_all / APPS_PER_PAGE));
  if (page <= last) return { ...coverage, page, last };
  return load(new URLSearchParams({ ...Object.fromEntries(params), page: last }));
}

// Navigates with changed choices. The selection and the open day belong to the old choices and are dropped.
function navigateTo(changes) {
  navigate("coverage", currentParams(), { page: null, selected: null, day: null, ...changes });
}

function trafficAddress({ app_id: appId }, dates) {
  const range = dates.length <= LONG_RANGE_DAYS ? { from_date: dates[0], to_date: dates.at(-1) } : {};
  return `#traffic?${new URLSearchParams({ app_ids: appId, ...range })}`;
}

function invalidDates() {
  return h("div", { class: "empty" },
    h("p", {}, "Nothing is shown, because a date is invalid. Correct the marked field, or ", h("a", { href: "#coverage" }, "show the vendor window"), "."));
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
  return groups.map((group) => h("a", { class: group.days_left <= WARNING_DAYS ? "warning" : null, href: `#coverage?from_date=${group.first_date}&to_date=${group.last_date}`, title: "Show these dates" },
    h("b", {}, `${group.days_left <= WARNING_DAYS ? "▲ " : ""}${capitalized(timeLeft(group.days_left))}: `),
    `${formatCount(group.app_days, "app-day")} of ${formatCount(group.apps, "app")}, `,
    group.first_date === group.last_date ? formatDate(group.first_date) : `${formatDate(group.first_date)} to ${formatDate(group.last_date)}`));
}

const capitalized = (text) => text[0].toUpperCase() + text.slice(1);

// `errors`: the message for each invalid choice, by name.
function controls(params, { from_date: from, to_date: to }, errors = {}) {
  const search = h("input", { id: "coverage-search", type: "search", value: params.get("search") ?? "", placeholder: "name or App ID", onchange: (event) => navigateTo({ search: event.target.value }) });
  const order = select("coverage-sort", SORTS, params.get("sort") ?? "expiry", (sort) => navigateTo({ sort }));
  const day = (label, name, value) => field(label, dateInput(`coverage-${name}`, value, (date) => navigateTo({ [name]: date })), errors[name]);
  return h("div", { class: "controls" },
    field("Apps", search, errors.search),
    field("Order", order),
    day("From", "from_date", from),
    day("To", "to_date", to),
    h("button", { id: "coverage-window", onclick: () => navigateTo({ from_date: null, to_date: null }) }, "Vendor window"),
    to && !Object.keys(errors).length && h("button", { id: "coverage-long", onclick: () => navigateTo({ from_date: addDays(to, 1 - LONG_RANGE_DAYS), to_date: to }) }, `${LONG_RANGE_DAYS} days`));
}

function legend() {
  return h("ul", { class: "legend", "aria-label": "States" },
    Object.entries(STATES).map(([state, { sign, means }]) => legendEntry(state, sign, state, means)),
    legendEntry("collected same-response", SAME_RESPONSE.sign, "same response", SAME_RESPONSE.means),
    h("li", {}, "Click a cell to view its history. To select cells, drag across them or use Space, Ctrl+click or Shift+click. Click a date to select its column."));
}

function legendEntry(className, sign, name, means) {
  return h("li", {}, h("span", { class: `swatch ${className}`, "aria-hidden": "true" }, sign), h("b", {}, name), ` ${means}`);
}

// An inactive button stays focusable, so the keyboard focus survives the last page.
function pager({ page, last, apps_in_all: apps }) {
  const button = (id, target, label) => {
    const isPage = target >= 1 && target <= last;
    return h("button", { id, "aria-disabled": String(!isPage), onclick: () => isPage && navigateTo({ page: target }) }, label);
  };
  const first = APPS_PER_PAGE * (page - 1);
  return [
    button("coverage-previous", page - 1, "‹ Previous"),
    h("span", {}, apps ? `${formatInteger(first + 1)}–${formatInteger(Math.min(first + APPS_PER_PAGE, apps))} of ${formatCount(apps, "app")}` : "no apps"),
    button("coverage-next", page + 1, "Next ›"),
  ];
}
