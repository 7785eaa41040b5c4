// The heat map: a table of apps and dates. One cell has the keyboard's focus; a rectangle of cells is chosen by
// dragging, with Shift and the arrow keys, or with Shift and a click.
import { h } from "../frame/dom.js";
import { brief, count, longDate, monthOf, things } from "../frame/format.js";
import { SAME, STATES, left } from "../frame/states.js";

const MOST_NAMED = 5;
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Grid {
  // `dates`: ISO dates, a column each. `apps`: as the route coverage gives them. `onchoose`: told of each choice.
  constructor(dates, apps, byDate, onchoose) {
    Object.assign(this, { dates, apps, onchoose, from: null, to: null, dragging: null });
    this.cells = apps.map((app, row) => dates.map((date, column) => this.cell(row, column)));
    if (this.cells.length) this.cells[0].at(-1).tabIndex = 0;
    this.names = apps.map(() => h("th", { scope: "row" }));
    this.all = h("tr", { class: "all" });
    this.element = this.table();
    this.paint(apps, byDate);
  }

  // Whether newer days of the same apps and dates, perhaps in another order, can be painted into this table.
  fits(dates, apps) {
    const own = new Set(this.apps.map((app) => app.app_id));
    return String(dates) === String(this.dates) && apps.length === own.size && apps.every((app) => own.has(app.app_id));
  }

  // Rows and cells stay where they are, and so do focus and choice; what says the same already is left alone.
  paint(apps, byDate) {
    const fresh = new Map(apps.map((app) => [app.app_id, app]));
    this.apps = this.apps.map((app) => fresh.get(app.app_id));
    this.days = this.apps.map((app) => new Map(app.days.map((day) => [day.usage_date, day])));
    this.apps.forEach((app, row) => this.paintName(this.names[row], app));
    for (const cell of this.cells.flat()) this.paintCell(cell);
    this.all.replaceChildren(...this.totals(byDate));
    this.choose(this.from, this.to);
  }

  table() {
    const table = h("table", { class: "grid", role: "grid", "aria-multiselectable": "true", "aria-label": "Apps and dates", style: `--dates:${this.dates.length}` },
      h("thead", {}, this.monthRow(), this.dateRow(), this.all),
      h("tbody", {}, this.cells.map((cells, row) => h("tr", {}, this.names[row], cells))));
    table.addEventListener("keydown", (event) => this.key(event));
    table.addEventListener("pointerdown", (event) => this.press(event));
    table.addEventListener("pointerover", (event) => this.drag(event));
    return table;
  }

  paintName(name, app) {
    const collected = `${count(app.collected)} of ${count(app.app_days)} days collected`;
    const title = `${app.app_name}, App ID ${app.app_id}, account ${app.conn_id}: ${collected}`;
    if (name.title === title) return;
    name.title = title;
    name.replaceChildren(h("div", {}, h("span", {}, app.app_name), h("small", {}, `${count(app.collected)}/${count(app.app_days)}`)));
  }

  monthRow() {
    const months = Map.groupBy(this.dates, (date) => date.slice(0, 7));
    return h("tr", { class: "months" }, h("td"), [...months].map(([, dates]) =>
      h("th", { scope: "colgroup", colspan: dates.length }, h("span", {}, monthOf(dates[0])))));
  }

  dateRow() {
    return h("tr", { class: "dates" }, h("th", { scope: "col" }, "App"), this.dates.map((date) =>
      h("th", { scope: "col", title: longDate(date), "aria-label": longDate(date) }, String(Number(date.slice(8))))));
  }

  totals(byDate) {
    const all = new Map(this.dates.map((date) => [date, { collected: 0, app_days: 0 }]));
    for (const { usage_date, state, app_days } of byDate) {
      const date = all.get(usage_date);
      date.app_days += app_days;
      if (state === "collected") date.collected += app_days;
    }
    return [h("th", { scope: "row" }, "All apps"), ...this.dates.map((date) => {
      const { collected, app_days } = all.get(date);
      const missing = app_days - collected;
      const words = `${longDate(date)}: ${count(collected)} of ${count(app_days)} apps collected`;
      return h("td", { class: missing ? "gaps" : null, style: `--share:${app_days ? collected / app_days : 0}`, title: words, "aria-label": words },
        missing ? brief(missing) : "");
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
    const words = day ? this.words(row, day) : `${this.apps[row].app_name}, ${longDate(this.dates[column])}: not expected`;
    if (cell.title === words) return;
    const isSame = day?.same_response_as.length > 0;
    const sign = day ? STATES[day.state].sign + (isSame ? SAME.sign : "") : "";
    Object.assign(cell, { className: `${day?.state ?? "unexpected"}${isSame ? " same" : ""}`, title: words, ariaLabel: words, textContent: sign });
  }

  words(row, day) {
    const parts = [`${this.apps[row].app_name}, ${longDate(day.usage_date)}: ${day.state}, ${day.points} of 288 points`];
    if (day.attempts) parts.push(`requested ${things(day.attempts, "time")}`);
    if (day.reason) parts.push(day.reason);
    if (day.same_response_as.length) parts.push(`same response as ${named(day.same_response_as)}`);
    if (!["collected", "lost"].includes(day.state)) parts.push(left(day.days_left));
    return parts.join("; ");
  }

  key(event) {
    const at = event.target.place;
    if (!at) return;
    if (event.key === "Escape") return this.choose(null, null);
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      return this.choose(event.shiftKey && this.from ? this.from : at, at);
    }
    const move = MOVES[event.key] ?? { Home: [0, -at[1]], End: [0, this.dates.length] }[event.key];
    if (!move) return;
    event.preventDefault();
    const row = Math.min(Math.max(at[0] + move[0], 0), this.apps.length - 1);
    const column = Math.min(Math.max(at[1] + move[1], 0), this.dates.length - 1);
    this.focus(row, column);
    if (event.shiftKey) this.choose(this.from ?? at, [row, column]);
  }

  press(event) {
    const at = event.target.place;
    if (!at || event.button !== 0) return;
    event.preventDefault();
    this.focus(...at);
    this.dragging = event.shiftKey && this.from ? this.from : at;
    this.choose(this.dragging, at);
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { this.dragging = null; }, { once: true });
  }

  drag(event) {
    if (this.dragging && event.target.place) this.choose(this.dragging, event.target.place);
  }

  focus(row, column, options = {}) {
    this.current?.setAttribute("tabindex", -1);
    const cell = this.cells[row][column];
    cell.tabIndex = 0;
    cell.focus(options);
  }

  // The cell that the keyboard is at, or comes back to.
  get current() {
    return this.element.querySelector("td[tabindex='0']");
  }

  choose(from, to) {
    Object.assign(this, { from, to });
    for (const row of this.cells) {
      for (const cell of row) {
        const isChosen = this.holds(cell.place);
        if (isChosen !== (cell.ariaSelected === "true")) cell.ariaSelected = String(isChosen);
      }
    }
    this.onchoose(this.chosen());
  }

  holds([row, column]) {
    const within = (axis, value) => Math.min(this.from[axis], this.to[axis]) <= value && value <= Math.max(this.from[axis], this.to[axis]);
    return this.from !== null && within(0, row) && within(1, column);
  }

  // The expected app-days of the rectangle, each with its app.
  chosen() {
    return this.cells.flat().filter((cell) => this.holds(cell.place)).flatMap(({ place: [row, column] }) => {
      const day = this.days[row].get(this.dates[column]);
      return day ? [{ ...day, app: this.apps[row], words: this.words(row, day) }] : [];
    });
  }
}

function named(names) {
  const more = names.length - MOST_NAMED;
  return names.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}
