// The bill per app. The browser has every row of the bill, so sorting and paging need no requests.
import { updateAddress } from "../frame/address.js";
import { field, h, select } from "../frame/dom.js";
import { formatCount, formatInteger, formatMonth } from "../frame/format.js";
import { Column, METHODS, VOLUME, changeElement, figureBefore, lacksPoints, projectionElement, statusElement } from "./methods.js";

const APPS_PER_PAGE = 100;
const VOLUME_KEY = "volume_bytes";
const missingPoints = (row) => row.expected_app_points - row.app_points;
const sortName = (row) => row.app_name.toLowerCase();

// Rows are sorted by `value`. The first click sorts text ascending, and numbers and missing points descending.
const COLUMNS = {
  app: { label: "App", value: sortName },
  status: { label: "State", means: "Running, incomplete, part of the month, or final. Sorted by the number of missing points.", value: missingPoints, startsDescending: true },
  billing_group: { label: "Group", means: "Billing group", value: (row) => row.billing_group },
  ...Object.fromEntries(Object.entries(METHODS).map(([key, method]) => [key, { label: method.name, means: method.means, value: (row) => row[key], isNumber: true }])),
  [VOLUME_KEY]: { label: VOLUME.name, means: VOLUME.means, value: (row) => row[VOLUME_KEY], isNumber: true },
  app_points: { label: "Points", means: "Observed points, and expected points: 288 per expected day up to yesterday", value: (row) => row.app_points, isNumber: true },
  days: { label: "Days", means: "Days with at least one point", value: (row) => row.days, isNumber: true },
  days_with_traffic: { label: "With traffic", means: "Days with a point above zero", value: (row) => row.days_with_traffic, isNumber: true },
};

function startsDescending(key) {
  return Boolean(COLUMNS[key].isNumber || COLUMNS[key].startsDescending);
}

function totalName({ billing_group: group, search, apps }) {
  return group || search ? `Subtotal of ${formatCount(apps.length, "app")}` : "Total of all apps";
}

// The name of the bill's first row, including the filter.
export function sumName(bill) {
  const { billing_group: group, search } = bill;
  return `${totalName(bill)}${group && ` in ${group}`}${search && ` matching “${search}”`}`;
}

export class BillTable {
  constructor(bill, hasGroups, params) {
    this.bill = bill;
    this.columns = Object.keys(COLUMNS).filter((key) => key !== "billing_group" || hasGroups);
    this.params = params;
    this.sortKey = params.get("sort") in COLUMNS ? params.get("sort") : "p95_kbps";
    this.isDescending = params.has("down") ? params.get("down") === "yes" : startsDescending(this.sortKey);
    this.page = Number(params.get("page") ?? 1);
    this.beneath = params.get("beneath") ?? "change";
    this.headings = h("tr", {});
    this.total = h("tr", { class: "total" });
    this.rows = h("tbody", {});
    this.pager = h("div", { class: "pages" });
    this.scroll = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Bill per app" },
      h("table", { class: "plain bills" }, h("caption", {}, `Bill for ${formatMonth(bill.month)}. Point at a figure to see the exact value.`),
        h("thead", {}, this.headings, this.total), this.rows));
    this.element = h("section", { "aria-label": "Apps" }, this.controls(), this.scroll, this.pager);
    this.draw();
  }

  controls() {
    const before = formatMonth(this.bill.month_before);
    const options = {
      // A running month is not compared with a whole month.
      ...(this.bill.total.before && this.bill.is_over && { change: `change from ${before}` }),
      ...(!this.bill.is_over && { projected: "projection" }),
      ...(this.bill.total.before && { before }),
      nothing: "nothing",
    };
    if (!(this.beneath in options)) [this.beneath] = Object.keys(options);
    const beneath = select("bill-beneath", options, this.beneath, (chosen) => this.change({ beneath: chosen }));
    return h("div", { class: "controls" }, h("h2", {}, "Apps"), field("Below each figure", beneath));
  }

  change(changes) {
    Object.assign(this, changes);
    this.params = updateAddress("bill", this.params, {
      sort: this.sortKey, down: this.isDescending ? "yes" : "no", beneath: this.beneath, page: this.page > 1 ? this.page : null,
    });
    this.draw();
  }

  sortBy(key) {
    const isDescending = key === this.sortKey ? !this.isDescending : startsDescending(key);
    this.change({ sortKey: key, isDescending, page: 1 });
  }

  goToPage(page, id) {
    this.change({ page });
    this.scroll.scrollTop = 0;
    if (this.pager.querySelector(`#${id}:disabled`)) this.pager.querySelector("button:enabled").focus();
  }

  addVolume({ error, total, apps }) {
    const volumes = new Map(apps.map((app) => [app.app_id, app]));
    for (const row of [this.bill.total, ...this.bill.apps]) row.volume = error ? {} : volumes.get(row.app_id) ?? total;
    for (const row of this.bill.apps) row[VOLUME_KEY] = row.volume.volume_bytes;
    this.draw();
  }

  // With one unit per column, the figures can be compared at a glance.
  formats() {
    const rows = [this.bill.total, ...this.bill.apps];
    const rates = Object.keys(METHODS).map((key) => [key, new Column(rows.map((row) => row[key]), true)]);
    return Object.fromEntries([...rates, [VOLUME_KEY, new Column(rows.map((row) => row.volume?.volume_bytes), false)]]);
  }

  sortedRows() {
    const { value } = COLUMNS[this.sortKey];
    const isAbsent = (number) => number === null || number === undefined;
    return [...this.bill.apps].sort((left, right) => {
      const [a, b] = [value(left), value(right)];
      // Absent values come last in both directions.
      if (isAbsent(a) || isAbsent(b)) return isAbsent(a) - isAbsent(b);
      return (a < b ? -1 : a > b ? 1 : 0) * (this.isDescending ? -1 : 1);
    });
  }

  // Keeps the keyboard focus.
  draw() {
    const focusedId = this.element.contains(document.activeElement) && document.activeElement.id;
    this.fill();
    if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
  }

  fill() {
    const rows = this.sortedRows();
    this.format = this.formats();
    const last = Math.max(1, Math.ceil(rows.length / APPS_PER_PAGE));
    this.page = Math.min(Math.max(1, this.page), last);
    const first = APPS_PER_PAGE * (this.page - 1);
    this.headings.replaceChildren(...this.columns.map((key) => this.heading(key)));
    this.total.replaceChildren(...this.cells(this.bill.total, h("b", {}, totalName(this.bill))));
    this.rows.replaceChildren(...rows.slice(first, first + APPS_PER_PAGE).map((row) => h("tr", { class: lacksPoints(row) ? "incomplete-row" : null },
      this.cells(row, h("a", { id: `bill-app-${row.app_id}`, href: `#traffic?app_ids=${encodeURIComponent(row.app_id)}`, title: row.app_id }, row.app_name)))));
    this.pager.replaceChildren(...this.pagerButtons(rows.length, first, last));
  }

  heading(key) {
    const { label, means, isNumber } = COLUMNS[key];
    const isSorted = key === this.sortKey;
    const order = this.isDescending ? "descending" : "ascending";
    return h("th", { scope: "col", class: isNumber ? "number" : null, "aria-sort": isSorted ? order : "none" },
      h("button", { id: `bill-sort-${key}`, title: means, onclick: () => this.sortBy(key) }, label,
        h("span", { "aria-hidden": "true" }, isSorted ? (this.isDescending ? "\u00a0▼" : "\u00a0▲") : "")),
      this.format[key] && h("small", {}, this.format[key].unit[1]));
  }

  cells(row, title) {
    return [
      h("th", { scope: "row" }, title),
      h("td", {}, statusElement(row)),
      this.columns.includes("billing_group") && h("td", {}, row.billing_group),
      ...Object.keys(METHODS).map((method) => this.figure(method, row[method], row, {
        change: row.change_percent[method], before: row.before?.[method], projected: row.projected?.[method],
      })),
      row.volume ? this.figure(VOLUME_KEY, row.volume.volume_bytes, row, {
        change: row.volume.change_percent, before: row.volume.before_volume_bytes, projected: row.volume.projected_volume_bytes,
      }) : h("td", { class: "number", title: "calculating" }, "…"),
      h("td", { class: "number" }, formatInteger(row.app_points), h("small", {}, `of ${formatInteger(row.expected_app_points)}`)),
      h("td", { class: "number" }, formatInteger(row.days)),
      h("td", { class: "number" }, formatInteger(row.days_with_traffic)),
    ].filter(Boolean);
  }

  figure(key, number, row, { change, before, projected }) {
    const { element } = this.format[key];
    const beneath = {
      change: () => changeElement(change, row, this.bill),
      before: () => row.before && figureBefore(element(before), row, this.bill),
      projected: () => row.projected && projectionElement(projected, element, this.bill.at_least.includes(key)),
    }[this.beneath];
    return h("td", { class: "number" }, element(number), beneath && h("small", {}, beneath() ?? "–"));
  }

  pagerButtons(apps, first, last) {
    if (last === 1) return [h("span", { class: "muted" }, formatCount(apps, "app"))];
    const button = (id, page, label) => h("button", { id, disabled: page < 1 || page > last, onclick: () => this.goToPage(page, id) }, label);
    return [
      button("bill-previous", this.page - 1, "‹ Previous"),
      h("span", {}, `${formatInteger(first + 1)}–${formatInteger(Math.min(first + APPS_PER_PAGE, apps))} of ${formatCount(apps, "app")}`),
      button("bill-next", this.page + 1, "Next ›"),
    ];
  }
}
