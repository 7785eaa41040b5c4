// The grid of apps and dates. One cell has the keyboard focus. The user selects a rectangle of cells by dragging, with
// Shift and the arrow keys, or with Shift and a click.
import { SAME_RESPONSE, STATES, timeLeft } from "../frame/app_day_states.js";
import { h } from "../frame/dom.js";
import { formatCompact, formatCount, formatDate, formatInteger, formatMonth, formatNames } from "../frame/format.js";

const MAX_NAMES = 5;
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Grid {
  // `dates`: ISO dates, one per column. `apps`, `byDate`: from the route `coverage`. `onselect`: called with the selected
  // days.
  constructor(dates, apps, byDate, onselect) {
    Object.assign(this, { dates, apps, onselect, from: null, to: null, dragging: null });
    this.cells = apps.map((app, row) => dates.map((date, column) => this.cell(row, column)));
    if (this.cells.length) this.cells[0].at(-1).tabIndex = 0;
    this.names = apps.map(() => h("th", { scope: "row" }));
    this.totals = h("tr", { class: "all-apps" });
    this.element = this.table();
    this.paint(apps, byDate);
  }

  // Returns whether newer data has the same apps and dates, in any order, so that this table can show it.
  fits(dates, apps) {
    const known = new Set(this.apps.map((app) => app.app_id));
    return String(dates) === String(this.dates) && apps.length === known.size && apps.every((app) => known.has(app.app_id));
  }

  // Updates the cells in place, to keep the focus and the selection. Unchanged cells are not touched.
  paint(apps, byDate) {
    const fresh = new Map(apps.map((app) => [app.app_id, app]));
    this.apps = this.apps.map((app) => fresh.get(app.app_id));
    this.days = this.apps.map((app) => new Map(app.days.map((day) => [day.usage_date, day])));
    this.apps.forEach((app, row) => this.paintName(this.names[row], app));
    for (const cell of this.cells.flat()) this.paintCell(cell);
    this.totals.replaceChildren(...this.totalCells(byDate));
    this.select(this.from, this.to);
  }

  table() {
    const table = h("table", { class: "grid", role: "grid", "aria-multiselectable": "true", "aria-label": "Apps and dates", style: `--date-count:${this.dates.length}` },
      h("thead", {}, this.monthRow(), this.dateRow(), this.totals),
      h("tbody", {}, this.cells.map((cells, row) => h("tr", {}, this.names[row], cells))));
    table.addEventListener("keydown", (event) => this.key(event));
    table.addEventListener("pointerdown", (event) => this.press(event));
    table.addEventListener("pointerover", (event) => this.drag(event));
    return table;
  }

  paintName(name, app) {
    const collected = `${formatInteger(app.collected)} of ${formatInteger(app.app_days)} days collected`;
    const title = `${app.app_name}, App ID ${app.app_id}, vendor account ${app.conn_id}: ${collected}`;
    if (name.title === title) return;
    name.title = title;
    name.replaceChildren(h("div", {}, h("span", {}, app.app_name), h("small", {}, `${formatInteger(app.collected)}/${formatInteger(app.app_days)}`)));
  }

  monthRow() {
    const months = Map.groupBy(this.dates, (date) => date.slice(0, 7));
    return h("tr", { class: "months" }, h("td"), [...months].map(([, dates]) =>
      h("th", { scope: "colgroup", colspan: dates.length }, h("span", {}, formatMonth(dates[0])))));
  }

  dateRow() {
    return h("tr", { class: "dates" }, h("th", { scope: "col" }, "App"), this.dates.map((date) =>
      h("th", { scope: "col", title: formatDate(date), "aria-label": formatDate(date) }, String(Number(date.slice(8))))));
  }

  totalCells(byDate) {
    const totals = new Map(this.dates.map((date) => [date, { collected: 0, app_days: 0 }]));
    for (const { usage_date, state, app_days } of byDate) {
      const date = totals.get(usage_date);
      date.app_days += app_days;
      if (state === "collected") date.collected += app_days;
    }
    return [h("th", { scope: "row" }, "All apps"), ...this.dates.map((date) => {
      const { collected, app_days } = totals.get(date);
      const missing = app_days - collected;
      const label = `${formatDate(date)}: ${formatInteger(collected)} of ${formatCount(app_days, "app")} collected`;
      return h("td", { class: missing ? "has-missing" : null, style: `--collected-share:${app_days ? collected / app_days : 0}`, title: label, "aria-label": label },
        missing ? formatCompact(missing) : "");
    })];
  }

  cell(row, column) {
    const cell = h("td", { role: "gridcell", tabindex: -1, "data-day": `${this.apps[row].app_name} ${this.dates[column]}` });
    cell.place = [row, column];
    return cell;
  }

  paintCell(cell) {
    const [row, column] = cell.place;
    const day = this.days[row].get(this.dates[column]);
    const label = day ? this.describe(row, day) : `${this.apps[row].app_name}, ${formatDate(this.dates[column])}: not expected`;
    if (cell.title === label) return;
    const hasSameResponse = day?.same_response_as.length > 0;
    const sign = day ? STATES[day.state].sign + (hasSameResponse ? SAME_RESPONSE.sign : "") : "";
    Object.assign(cell, { className: `${day?.state ?? "unexpected"}${hasSameResponse ? " same-response" : ""}`, title: label, ariaLabel: label, textContent: sign });
  }

  describe(row, day) {
    const parts = [`${this.apps[row].app_name}, ${formatDate(day.usage_date)}: ${day.state}, ${day.points} of 288 points`];
    if (day.attempts) parts.push(`requested ${formatCount(day.attempts, "time")}`);
    if (day.reason) parts.push(day.reason);
    if (day.same_response_as.length) parts.push(`same response as ${formatNames(day.same_response_as, MAX_NAMES)}`);
    if (!["collected", "lost"].includes(day.state)) parts.push(timeLeft(day.days_left));
    return parts.join("; ");
  }

  key(event) {
    const { place } = event.target;
    if (!place) return;
    if (event.key === "Escape") return this.select(null, null);
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      return this.select(event.shiftKey && this.from ? this.from : place, place);
    }
    const move = MOVES[event.key] ?? { Home: [0, -place[1]], End: [0, this.dates.length] }[event.key];
    if (!move) return;
    event.preventDefault();
    const row = Math.min(Math.max(place[0] + move[0], 0), this.apps.length - 1);
    const column = Math.min(Math.max(place[1] + move[1], 0), this.dates.length - 1);
    this.focus(row, column);
    if (event.shiftKey) this.select(this.from ?? place, [row, column]);
  }

  press(event) {
    const { place } = event.target;
    if (!place || event.button !== 0) return;
    event.preventDefault();
    this.focus(...place);
    this.dragging = event.shiftKey && this.from ? this.from : place;
    this.select(this.dragging, place);
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { this.dragging = null; }, { once: true });
  }

  drag(event) {
    if (this.dragging && event.target.place) this.select(this.dragging, event.target.place);
  }

  focus(row, column, options = {}) {
    this.focusedCell?.setAttribute("tabindex", -1);
    const cell = this.cells[row][column];
    cell.tabIndex = 0;
    cell.focus(options);
  }

  // The cell with the keyboard focus, or the cell that Tab returns to.
  get focusedCell() {
    return this.element.querySelector("td[tabindex='0']");
  }

  select(from, to) {
    Object.assign(this, { from, to });
    for (const row of this.cells) {
      for (const cell of row) {
        const isSelected = this.contains(cell.place);
        if (isSelected !== (cell.ariaSelected === "true")) cell.ariaSelected = String(isSelected);
      }
    }
    this.onselect(this.selectedDays());
  }

  contains([row, column]) {
    const within = (axis, value) => Math.min(this.from[axis], this.to[axis]) <= value && value <= Math.max(this.from[axis], this.to[axis]);
    return this.from !== null && within(0, row) && within(1, column);
  }

  // The expected app-days in the selection, each with its app.
  selectedDays() {
    return this.cells.flat().filter((cell) => this.contains(cell.place)).flatMap(({ place: [row, column] }) => {
      const day = this.days[row].get(this.dates[column]);
      return day ? [{ ...day, app: this.apps[row], description: this.describe(row, day) }] : [];
    });
  }
}
