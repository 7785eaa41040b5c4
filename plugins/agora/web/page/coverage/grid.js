// The grid of apps and dates. One cell or heading has the keyboard focus. A click or Enter opens a day. Dragging,
// Space, Ctrl+click, Shift+click and Shift with an arrow key select a rectangle of cells.
import { SAME_RESPONSE, STATES, timeLeft } from "../frame/app_day_states.js";
import { h } from "../frame/dom.js";
import { formatCompact, formatCount, formatDate, formatInteger, formatMonth, formatNames, formatShortMonth } from "../frame/format.js";

const MAX_NAMES = 5;
// Row numbers of the headings. Day cells have row and column numbers from 0. Column -1 contains the app names.
const DATES_ROW = -2;
const TOTALS_ROW = -1;
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const isDay = ([row, column]) => row >= 0 && column >= 0;
const hasControl = (event) => event.ctrlKey || event.metaKey;

function placed(element, row, column) {
  element.place = [row, column];
  return element;
}

export class Grid {
  // `dates`: ISO dates, one per column. `apps`, `byDate`: from the route `coverage`. `actions`: `select(days)` is called with
  // the selected days, `settle(choice)` with the text of a finished selection, `open(app, date)` with a day to open, and
  // `showDate(date)` with a date whose missing apps to show. `trafficOf(app)` returns the address of an app's traffic.
  constructor(dates, apps, byDate, actions) {
    Object.assign(this, { dates, apps, actions, from: null, to: null, dragging: null });
    this.cells = apps.map((app, row) => dates.map((date, column) => this.cell(row, column)));
    if (this.cells.length) this.cells[0].at(-1).tabIndex = 0;
    this.names = apps.map((app, row) => placed(h("a", { tabindex: -1, href: actions.trafficOf(app) }), row, -1));
    this.dateHeads = dates.map((date, column) => placed(h("th", {
      scope: "col", tabindex: -1, title: `${formatDate(date)}: select this day for all apps shown`, "aria-label": formatDate(date),
    }, String(Number(date.slice(8)))), DATES_ROW, column));
    this.totals = dates.map((date, column) => placed(h("td", { tabindex: -1 }), TOTALS_ROW, column));
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
    this.paintTotals(byDate);
    this.select(this.from, this.to);
  }

  table() {
    const table = h("table", { class: "grid", role: "grid", "aria-multiselectable": "true", "aria-label": "Apps and dates", style: `--date-count:${this.dates.length}` },
      h("thead", {}, this.monthRow(),
        h("tr", { class: "dates" }, h("th", { scope: "col" }, "App"), this.dateHeads),
        h("tr", { class: "all-apps" }, h("th", { scope: "row" }, "All apps"), this.totals)),
      h("tbody", {}, this.cells.map((cells, row) => h("tr", {}, h("th", { scope: "row" }, this.names[row]), cells))));
    for (const [name, handle] of Object.entries({ keydown: this.key, pointerdown: this.press, pointerover: this.drag, click: this.click })) {
      table.addEventListener(name, (event) => handle.call(this, event));
    }
    return table;
  }

  paintName(name, app) {
    const collected = `${formatInteger(app.collected)} of ${formatInteger(app.app_days)} days collected`;
    const title = `${app.app_name}, App ID ${app.app_id}, vendor account ${app.conn_id}: ${collected}. Show the traffic.`;
    if (name.title === title) return;
    name.title = title;
    name.replaceChildren(h("span", {}, app.app_name), h("small", {}, `${formatInteger(app.collected)}/${formatInteger(app.app_days)}`));
  }

  monthRow() {
    const months = Map.groupBy(this.dates, (date) => date.slice(0, 7));
    return h("tr", { class: "months" }, h("td"), [...months].map(([, dates]) =>
      h("th", { scope: "colgroup", colspan: dates.length }, h("span", {}, dates.length < 5 ? formatShortMonth(dates[0]) : formatMonth(dates[0])))));
  }

  paintTotals(byDate) {
    const totals = new Map(this.dates.map((date) => [date, { collected: 0, app_days: 0 }]));
    for (const { usage_date, state, app_days } of byDate) {
      const date = totals.get(usage_date);
      date.app_days += app_days;
      if (state === "collected") date.collected += app_days;
    }
    this.totals.forEach((cell, column) => {
      const { collected, app_days } = totals.get(this.dates[column]);
      const missing = app_days - collected;
      const label = `${formatDate(this.dates[column])}: ${formatInteger(collected)} of ${formatCount(app_days, "app")} collected. Show this date, apps with missing days first.`;
      Object.assign(cell, { className: missing ? "has-missing" : "", title: label, ariaLabel: label, textContent: missing ? formatCompact(missing) : "" });
      cell.style.setProperty("--collected-share", app_days ? collected / app_days : 0);
    });
  }

  cell(row, column) {
    const cell = h("td", { role: "gridcell", tabindex: -1, "data-day": `${this.apps[row].app_name} ${this.dates[column]}` });
    return placed(cell, row, column);
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
    if (event.key === "Enter" || event.key === " ") return this.activate(event, place);
    const move = MOVES[event.key] ?? { Home: [0, -place[1]], End: [0, this.dates.length] }[event.key];
    if (!move) return;
    event.preventDefault();
    const next = this.limit(place[0] + move[0], place[1] + move[1]);
    this.focus(next);
    if (event.shiftKey && isDay(place) && isDay(next)) this.select(this.from ?? place, next);
  }

  // Enter does what a click does, and Space selects a day.
  activate(event, place) {
    if (event.target.href && event.key === "Enter") return; // the browser follows the link
    event.preventDefault();
    if (event.key === "Enter" || !isDay(place)) event.target.click();
    else this.selectOne(place, event.shiftKey);
  }

  // Returns the nearest place inside the grid. The grid has no cell where the row and column headings meet.
  limit(row, column) {
    const limitedRow = Math.min(Math.max(row, DATES_ROW), this.apps.length - 1);
    return [limitedRow, Math.min(Math.max(column, limitedRow < 0 ? 0 : -1), this.dates.length - 1)];
  }

  elementAt([row, column]) {
    if (row === DATES_ROW) return this.dateHeads[column];
    if (row === TOTALS_ROW) return this.totals[column];
    return column < 0 ? this.names[row] : this.cells[row]?.[column];
  }

  click(event) {
    const { place } = event.target;
    if (!place || this.hasDragged) return;
    const [row, column] = place;
    if (row === DATES_ROW && this.apps.length) this.select([0, column], [this.apps.length - 1, column]);
    else if (row === TOTALS_ROW) this.actions.showDate(this.dates[column]);
    else if (isDay(place) && !event.shiftKey && !hasControl(event)) this.actions.open(this.apps[row], this.dates[column]);
  }

  press(event) {
    const { place } = event.target;
    this.hasDragged = false;
    if (!place || !isDay(place) || event.button !== 0) return;
    event.preventDefault();
    const anchor = event.shiftKey && (this.from ?? this.focusedCell?.place);
    this.focus(place);
    this.dragging = anchor && isDay(anchor) ? anchor : place;
    if (event.shiftKey) this.select(this.dragging, place);
    else if (hasControl(event)) this.selectOne(place, false);
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => this.drop(), { once: true });
  }

  drag(event) {
    const { place } = event.target;
    if (!this.dragging || !place || !isDay(place)) return;
    this.hasDragged ||= String(place) !== String(this.dragging);
    if (this.hasDragged) this.select(this.dragging, place);
  }

  drop() {
    this.dragging = null;
    this.actions.settle(this.choice);
  }

  focus(place, options = {}) {
    const element = this.elementAt(place);
    if (!element) return;
    this.focusedCell?.setAttribute("tabindex", -1);
    element.tabIndex = 0;
    element.focus(options);
  }

  // The cell with the keyboard focus, or the cell that Tab returns to.
  get focusedCell() {
    return this.element.querySelector("[tabindex='0']");
  }

  // Selects one day or extends the selection to it. Clears the selection if only this day is selected.
  selectOne(place, isExtended) {
    if (!isExtended && String([this.from, this.to]) === String([place, place])) return this.select(null, null);
    this.select(isExtended ? this.from ?? place : place, place);
  }

  // The selection as text: the App IDs and dates of two opposite corners. Empty if nothing is selected.
  get choice() {
    if (!this.from) return "";
    return [this.from, this.to].map(([row, column]) => `${this.apps[row].app_id},${this.dates[column]}`).join(",");
  }

  // Restores a selection from the text of `choice`, if its corners are in the grid.
  restore(choice) {
    const [app, date, otherApp, otherDate] = choice.split(",");
    const place = (id, iso) => [this.apps.findIndex((own) => own.app_id === id), this.dates.indexOf(iso)];
    const corners = [place(app, date), place(otherApp, otherDate)];
    if (corners.every(isDay)) this.select(...corners);
  }

  select(from, to) {
    Object.assign(this, { from, to });
    for (const row of this.cells) {
      for (const cell of row) {
        const isSelected = this.contains(cell.place);
        if (isSelected !== (cell.ariaSelected === "true")) cell.ariaSelected = String(isSelected);
      }
    }
    this.actions.select(this.selectedDays());
    if (!this.dragging) this.actions.settle(this.choice);
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
