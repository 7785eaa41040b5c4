// Chart, buttons, figures and tables of what is loaded; the zoom and the zone change them without loading anew.
import { field, h, select } from "../frame/dom.js";
import { choose, keep } from "../frame/address.js";
import { Clock, HOUR, MINE, MINUTE, zones } from "./clock.js";
import { daysTable, figures, key, pointsTable, rangeOf, remarks } from "./figures.js";
import { MARKS, drawTraffic } from "./picture.js";
import { beside } from "./range.js";
import { WHOLE, Window } from "./window.js";

export class Panel {
  constructor(panel, params, answer, series, coverageOf) {
    Object.assign(this, { params, answer, series });
    this.loaded = { from: Math.min(...series.map((one) => one.from)), to: Math.max(...series.map((one) => one.to)) };
    this.shown = new Window(this.loaded, params);
    this.figures = h("div");
    this.told = h("ul", { class: "told quiet", role: "status", id: "traffic-told" });
    this.chart = h("div", { class: "chart", role: "img", "aria-label": "Five-minute points of bandwidth over time", "aria-describedby": "traffic-told" });
    this.bar = h("div", { class: "controls zoom", role: "toolbar", "aria-label": "Part of the range that is shown" });
    this.note = h("p", { class: "quiet" });
    this.points = h("div", { class: "scroll" });
    this.pointsDetails = h("details", { id: "traffic-points", ontoggle: () => this.#tellPoints() }, h("summary", {}, "Table of the points shown"), this.points);
    this.days = h("div");
    panel.append(this.figures, ...remarks(series, (one) => h("a", { href: coverageOf(one) }, "See Coverage")),
      this.bar, this.chart, this.told, this.note, this.pointsDetails, this.days);
    this.#turnClock();
    this.bar.append(...this.#buttons());
    panel.addEventListener("shown", async () => {
      await this.#show();
      this.#listen();
    });
  }

  // What is drawn over with the pointer is shown.
  #listen() {
    this.chart.on?.("plotly_relayout", (change) => {
      const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (from) this.#zoom(() => this.shown.show(this.clock.instant(from), this.clock.instant(to)));
    });
    this.chart.on?.("plotly_doubleclick", () => this.#zoom(() => this.shown.show(this.loaded.from, this.loaded.to)));
  }

  #turnClock() {
    const { answer, series } = this;
    this.vendorZone = series[0].timezone ?? answer.accounts[0].timezone;
    this.zones = zones(answer.accounts, this.loaded.from, this.loaded.to);
    const chosen = this.params.get("zone");
    this.zone = chosen in this.zones ? chosen : this.vendorZone;
    this.clock = new Clock(this.zone === "mine" ? MINE : this.zone, this.loaded.from, this.loaded.to);
    const changes = this.clock.changes();
    this.note.textContent = changes.length
      ? `Clocks in ${this.clock.timeZone} change on ${changes.join(" and ")}. All times here are in ${this.clock.name}, before and after it.`
      : "";
    const range = rangeOf(answer.from_date, answer.to_date);
    const open = [...this.days.querySelectorAll("details[open]")].map((element) => element.id);
    this.figures.replaceChildren(figures(series, this.clock, range, (peak) => this.#zoom(() => this.shown.show(peak - HOUR / 2, peak + HOUR / 2))));
    this.days.replaceChildren(...series.map((one) => {
      const own = new Clock(one.timezone ?? this.vendorZone, this.loaded.from, this.loaded.to);
      const element = daysTable(one, this.clock, (date) => own.midnight(date), (from, to) => this.#zoomAndLook(from, to));
      element.open = open.includes(element.id);
      return element;
    }));
  }

  #zoomAndLook(from, to) {
    this.#zoom(() => this.shown.show(from, to));
    this.chart.scrollIntoView({ block: "center" });
  }

  #zoom(change) {
    change();
    this.#remember(this.shown.state);
    this.#show();
  }

  #remember(changes) {
    this.params = keep("traffic", this.params, changes);
  }

  async #show() {
    const focused = document.activeElement?.id;
    this.bar.replaceChildren(...this.#buttons());
    if (focused && this.bar.querySelector(`#${CSS.escape(focused)}`)) document.getElementById(focused).focus();
    const { shown, clock } = this;
    this.told.replaceChildren(h("li", {}, `Shown: ${clock.time(shown.from)} to ${clock.time(shown.to)} (${clock.name}).`),
      ...this.series.map((one) => h("li", {}, one.told(shown, clock))), ...this.#marks());
    this.#tellPoints();
    try {
      await drawTraffic(this.chart, this.series, shown, clock, { peaks: this.params.get("peaks") !== "no", range: rangeOf(this.answer.from_date, this.answer.to_date) });
    } catch (trouble) {
      this.chart.replaceChildren(h("p", { class: "trouble", role: "alert" }, trouble.message));
    }
  }

  #marks() {
    const { series, shown } = this;
    const has = (does) => series.some((one) => {
      const [first, end] = one.slots(shown);
      return one.kbps.slice(first, end).some((_, index) => one[does](first + index));
    });
    const said = Object.entries(MARKS).filter(([does]) => has(does)).map(([, { colour, means }]) => [key(colour), `${means} `]);
    return said.length ? [h("li", {}, "Marks at the foot: ", said.flat())] : [];
  }

  #tellPoints() {
    const isShort = pointsTable(this.series, this.shown, this.clock);
    this.pointsDetails.hidden = !isShort;
    if (isShort && this.pointsDetails.open) this.points.replaceChildren(isShort);
  }

  #buttons() {
    const { shown } = this;
    const { from_date: from, to_date: to, first_date: first, last_date: last } = this.answer;
    const peaks = h("input", { type: "checkbox", id: "traffic-peaks", checked: this.params.get("peaks") !== "no",
      onchange: ({ target }) => { this.#remember({ peaks: target.checked ? null : "no" }); this.#show(); } });
    const zone = select(this.zones, this.zone, (name) => {
      this.#remember({ zone: name === this.vendorZone ? null : name });
      this.#turnClock();
      this.#show();
    });
    zone.id = "traffic-zone";
    return [
      h("div", { class: "group" }, shown.lengths.map(([name, length]) => h("button", {
        id: `traffic-${name.replace(" ", "-")}`, "aria-pressed": String(shown.length === length), onclick: () => this.#zoom(() => shown.lengthen(length)),
      }, name))),
      h("div", { class: "group" },
        h("button", { id: "traffic-earlier", disabled: shown.from <= this.loaded.from && from <= first, onclick: () => this.#move(-1) }, "‹ Earlier"),
        h("button", { id: "traffic-later", disabled: shown.to >= this.loaded.to && to >= last, onclick: () => this.#move(1) }, "Later ›")),
      h("label", { class: "check" }, peaks, "daily peaks"),
      field("Times in", zone),
    ];
  }

  // Past the loaded range, the days before or after it are loaded.
  #move(direction) {
    const { from_date: from, to_date: to } = this.answer;
    const { shown, loaded, params } = this;
    if (shown.move(direction)) return this.#zoom(() => {});
    const { length, isWhole } = shown;
    const next = beside(from, to, direction);
    const start = direction < 0 ? loaded.from - length : loaded.to;
    choose("traffic", params, { ...next, ...(isWhole ? WHOLE : { at: new Date(start).toISOString(), minutes: length / MINUTE }) });
  }
}
