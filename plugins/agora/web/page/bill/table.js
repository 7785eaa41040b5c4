// Every app of the month: sorted, searched and paged here, as the whole answer is at hand.
import { METHODS, VOLUME, bytesOf, changeOf, figureBefore, projectedOf, rateOf, statusOf } from "./figures.js";
import { field, h, select } from "../frame/dom.js";
import { count, monthOf, things } from "../frame/format.js";
import { keep } from "../frame/address.js";

const APPS_PER_PAGE = 100;
const VOLUME_KEY = "volume_bytes";
const missing = (row) => row.expected_app_points - row.app_points;
const name = (row) => row.app_name.toLowerCase();

// Sorting goes by `of`; the first click sorts words upwards, and numbers and what is missing downwards.
const COLUMNS = {
  app: { label: "App", of: name },
  status: { label: "State", means: "Running, incomplete, part of the month or final; sorted by how many points are missing", of: missing, startsDown: true },
  ...Object.fromEntries(Object.entries(METHODS).map(([key, method]) => [key, { label: method.name, means: method.means, of: (row) => row[key], isNumber: true }])),
  [VOLUME_KEY]: { label: VOLUME.name, means: VOLUME.means, of: (row) => row[VOLUME_KEY], isNumber: true },
  app_points: { label: "Points", means: "Observed of expected: 288 for each expected day up to yesterday", of: (row) => row.app_points, isNumber: true },
  days: { label: "Days", means: "Days with at least one point", of: (row) => row.days, isNumber: true },
  days_with_traffic: { label: "With traffic", means: "Days with a point above zero", of: (row) => row.days_with_traffic, isNumber: true },
};

function startsDown(key) {
  return Boolean(COLUMNS[key].isNumber || COLUMNS[key].startsDown);
}

export class BillTable {
  constructor(bill, params) {
    this.bill = bill;
    this.params = params;
    this.by = params.get("sort") in COLUMNS ? params.get("sort") : "p95_kbps";
    this.isDescending = params.has("down") ? params.get("down") === "yes" : startsDown(this.by);
    this.search = params.get("search") ?? "";
    this.page = Number(params.get("page") ?? 1);
    this.beneath = params.get("beneath") ?? "change";
    this.heads = h("tr", {});
    this.total = h("tr", { class: "total" });
    this.rows = h("tbody", {});
    this.pages = h("div", { class: "pages" });
    this.scroll = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Bill of every app" },
      h("table", { class: "plain bills" }, h("caption", {}, `Bill of ${monthOf(bill.month)}; point at a figure for all its digits`),
        h("thead", {}, this.heads, this.total), this.rows));
    this.element = h("section", { "aria-label": "Apps" }, this.controls(), this.scroll, this.pages);
    this.draw();
  }

  controls() {
    const before = monthOf(this.bill.month_before);
    const options = {
      // A running month has no percentage against a whole one.
      ...(this.bill.total.before && this.bill.is_over && { change: `change against ${before}` }),
      ...(this.bill.total.before && { before }),
      ...(!this.bill.is_over && { projected: "projected" }),
      nothing: "nothing",
    };
    if (!(this.beneath in options)) [this.beneath] = Object.keys(options);
    const search = h("input", { id: "bill-search", type: "search", value: this.search, placeholder: "name or App ID", oninput: () => this.change({ search: search.value, page: 1 }) });
    const beneath = select(options, this.beneath, (chosen) => this.change({ beneath: chosen }));
    beneath.id = "bill-beneath";
    return h("div", { class: "controls" }, h("h2", {}, "Apps"), field("Search", search), field("Beneath each figure", beneath));
  }

  change(changes) {
    Object.assign(this, changes);
    this.params = keep("bill", this.params, {
      sort: this.by, down: this.isDescending ? "yes" : "no", search: this.search, beneath: this.beneath, page: this.page > 1 ? this.page : null,
    });
    this.draw();
  }

  sortBy(key) {
    const isDescending = key === this.by ? !this.isDescending : startsDown(key);
    this.change({ by: key, isDescending, page: 1 });
  }

  turnTo(page, id) {
    this.change({ page });
    this.scroll.scrollTop = 0;
    if (this.pages.querySelector(`#${id}:disabled`)) this.pages.querySelector("button:enabled").focus();
  }

  addVolume({ trouble, total, apps }) {
    const of = new Map(apps.map((app) => [app.app_id, app]));
    for (const row of [this.bill.total, ...this.bill.apps]) row.volume = trouble ? {} : of.get(row.app_id) ?? total;
    for (const row of this.bill.apps) row[VOLUME_KEY] = row.volume.volume_bytes;
    this.draw();
  }

  chosen() {
    const words = this.search.trim().toLowerCase();
    const found = this.bill.apps.filter((row) => name(row).includes(words) || row.app_id.toLowerCase().includes(words));
    const { of } = COLUMNS[this.by];
    const absent = (value) => value === null || value === undefined;
    return found.sort((one, other) => {
      const [a, b] = [of(one), of(other)];
      // What is absent is neither small nor large: it comes last, either way.
      if (absent(a) || absent(b)) return absent(a) - absent(b);
      return (a < b ? -1 : a > b ? 1 : 0) * (this.isDescending ? -1 : 1);
    });
  }

  // Whoever uses the keyboard goes on where they were.
  draw() {
    const focused = this.element.contains(document.activeElement) && document.activeElement.id;
    this.fill();
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  fill() {
    const found = this.chosen();
    const last = Math.max(1, Math.ceil(found.length / APPS_PER_PAGE));
    this.page = Math.min(Math.max(1, this.page), last);
    const first = APPS_PER_PAGE * (this.page - 1);
    this.heads.replaceChildren(...Object.keys(COLUMNS).map((key) => this.head(key)));
    this.total.replaceChildren(...this.cells(this.bill.total, h("b", {}, "All apps, summed")));
    this.rows.replaceChildren(...found.slice(first, first + APPS_PER_PAGE).map((row) => h("tr", { class: row.app_points < row.expected_app_points ? "lacks" : null },
      this.cells(row, h("a", { id: `bill-app-${row.app_id}`, href: `#traffic?app_ids=${encodeURIComponent(row.app_id)}`, title: row.app_id }, row.app_name)))));
    if (!found.length) this.rows.append(h("tr", {}, h("td", { colspan: Object.keys(COLUMNS).length }, `No app has “${this.search}” in its name or App ID.`)));
    this.pages.replaceChildren(...this.pager(found.length, first, last));
  }

  head(key) {
    const { label, means, isNumber } = COLUMNS[key];
    const isSorted = key === this.by;
    const order = this.isDescending ? "descending" : "ascending";
    return h("th", { scope: "col", class: isNumber ? "number" : null, "aria-sort": isSorted ? order : "none" },
      h("button", { id: `bill-sort-${key}`, title: means, onclick: () => this.sortBy(key) }, label,
        h("span", { "aria-hidden": "true" }, isSorted ? (this.isDescending ? "\u00a0▼" : "\u00a0▲") : "")));
  }

  cells(row, title) {
    return [
      h("th", { scope: "row" }, title),
      h("td", {}, statusOf(row)),
      ...Object.keys(METHODS).map((method) => this.figure(rateOf(row[method]), {
        change: () => changeOf(row.change_percent[method], row, this.bill),
        before: () => row.before && figureBefore(rateOf(row.before[method]), row, this.bill),
        projected: () => row.projected && projectedOf(row.projected[method], rateOf, this.bill.at_least.includes(method)),
      })),
      row.volume ? this.figure(bytesOf(row.volume.volume_bytes), {
        change: () => changeOf(row.volume.change_percent, row, this.bill),
        before: () => row.before && figureBefore(bytesOf(row.volume.before_volume_bytes), row, this.bill),
        projected: () => row.projected && projectedOf(row.volume.projected_volume_bytes, bytesOf),
      }) : h("td", { class: "number", title: "being added up" }, "…"),
      h("td", { class: "number" }, count(row.app_points), h("small", {}, `of ${count(row.expected_app_points)}`)),
      h("td", { class: "number" }, count(row.days)),
      h("td", { class: "number" }, count(row.days_with_traffic)),
    ];
  }

  figure(written, beneath) {
    return h("td", { class: "number" }, written, this.beneath in beneath && h("small", {}, beneath[this.beneath]() ?? "–"));
  }

  pager(found, first, last) {
    if (last === 1) return [h("span", { class: "quiet" }, things(found, "app"))];
    const turn = (id, to, label) => h("button", { id, disabled: to < 1 || to > last, onclick: () => this.turnTo(to, id) }, label);
    return [
      turn("bill-previous", this.page - 1, "‹ Previous"),
      h("span", {}, `${count(first + 1)}–${count(Math.min(first + APPS_PER_PAGE, found))} of ${things(found, "app")}`),
      turn("bill-next", this.page + 1, "Next ›"),
    ];
  }
}
