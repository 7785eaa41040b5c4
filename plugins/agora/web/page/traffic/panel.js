// The figures, the chart with its toolbar, and the tables for the loaded range. Changing the zoom or the time zone
// needs no request.
import { navigate, updateAddress } from "../frame/address.js";
import { field, h, select } from "../frame/dom.js";
import { formatDateRange } from "../frame/format.js";
import { MARKS, drawTraffic } from "./chart.js";
import { Clock, HOUR, MINUTE, VIEWER_ZONE, zones } from "./clock.js";
import { WHOLE_RANGE, Window, adjacentRange } from "./range.js";
import { colourKey, daysTable, figuresElement, missingPointsNotices, pointsTable } from "./tables.js";

export class Panel {
  constructor(panel, params, response, series, coverageAddress) {
    Object.assign(this, { params, response, series });
    this.loaded = { from: Math.min(...series.map((one) => one.from)), to: Math.max(...series.map((one) => one.to)) };
    this.shown = new Window(this.loaded, params);
    this.figures = h("div");
    this.summary = h("ul", { class: "summary muted", role: "status", id: "traffic-summary" });
    this.chart = h("div", { class: "chart", role: "img", "aria-label": "Five-minute points of bandwidth over time", "aria-describedby": "traffic-summary" });
    this.toolbar = h("div", { class: "controls zoom", role: "toolbar", "aria-label": "Zoom" });
    this.clockNote = h("p", { class: "muted" });
    this.points = h("div", { class: "scroll" });
    this.pointsDetails = h("details", { id: "traffic-points", ontoggle: () => this.#updatePointsTable() }, h("summary", {}, "Table of points"), this.points);
    this.days = h("div");
    panel.append(this.figures, ...missingPointsNotices(series, (one) => h("a", { href: coverageAddress(one) }, "View in Coverage")),
      this.toolbar, this.chart, this.summary, this.clockNote, this.pointsDetails, this.days);
    this.#setClock();
    this.toolbar.append(...this.#buttons());
    panel.addEventListener("shown", async () => {
      await this.#show();
      this.#handleZoom();
    });
  }

  // Zooms to the part that the user drags across. A double click shows the whole range.
  #handleZoom() {
    this.chart.on?.("plotly_relayout", (change) => {
      const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (from) this.#zoom(() => this.shown.show(this.clock.instant(from), this.clock.instant(to)));
    });
    this.chart.on?.("plotly_doubleclick", () => this.#zoom(() => this.shown.show(this.loaded.from, this.loaded.to)));
  }

  #setClock() {
    const { response, series } = this;
    this.vendorZone = series[0].timezone ?? response.accounts[0].timezone;
    this.zones = zones(response.accounts, this.loaded.from, this.loaded.to);
    const chosen = this.params.get("zone");
    this.zone = chosen in this.zones ? chosen : this.vendorZone;
    this.clock = new Clock(this.zone === "mine" ? VIEWER_ZONE : this.zone, this.loaded.from, this.loaded.to);
    const changes = this.clock.changes();
    this.clockNote.textContent = changes.length
      ? `Clocks in ${this.clock.timeZone} change on ${changes.join(" and ")}. This page shows all times in ${this.clock.name}.`
      : "";
    const range = formatDateRange(response.from_date, response.to_date);
    const openIds = [...this.days.querySelectorAll("details[open]")].map((element) => element.id);
    this.figures.replaceChildren(figuresElement(series, this.clock, range, (peak) => this.#zoom(() => this.shown.show(peak - HOUR / 2, peak + HOUR / 2))));
    this.days.replaceChildren(...series.map((one) => {
      const vendorClock = new Clock(one.timezone ?? this.vendorZone, this.loaded.from, this.loaded.to);
      const element = daysTable(one, this.clock, (date) => vendorClock.midnight(date), (from, to) => this.#zoomAndScroll(from, to));
      element.open = openIds.includes(element.id);
      return element;
    }));
  }

  #zoomAndScroll(from, to) {
    this.#zoom(() => this.shown.show(from, to));
    this.chart.scrollIntoView({ block: "center" });
  }

  #zoom(change) {
    change();
    this.#updateAddress(this.shown.state);
    this.#show();
  }

  #updateAddress(changes) {
    this.params = updateAddress("traffic", this.params, changes);
  }

  async #show() {
    const focusedId = document.activeElement?.id;
    this.toolbar.replaceChildren(...this.#buttons());
    if (focusedId && this.toolbar.querySelector(`#${CSS.escape(focusedId)}`)) document.getElementById(focusedId).focus();
    const { shown, clock } = this;
    this.summary.replaceChildren(h("li", {}, `${clock.time(shown.from)} to ${clock.time(shown.to)} (${clock.name})`),
      ...this.series.map((one) => h("li", {}, one.summary(shown, clock))), ...this.#marks());
    this.#updatePointsTable();
    try {
      await drawTraffic(this.chart, this.series, shown, clock, { peaks: this.params.get("peaks") !== "no", range: formatDateRange(this.response.from_date, this.response.to_date) });
    } catch (error) {
      this.chart.replaceChildren(h("p", { class: "error", role: "alert" }, error.message));
    }
  }

  #marks() {
    const { series, shown } = this;
    const hasPoints = (method) => series.some((one) => {
      const [first, end] = one.slots(shown);
      return one.kbps.slice(first, end).some((_, index) => one[method](first + index));
    });
    const marks = Object.entries(MARKS).filter(([method]) => hasPoints(method)).flatMap(([, { colour, means }]) => [colourKey(colour), `${means} `]);
    return marks.length ? [h("li", {}, "Marks at the bottom of the chart: ", marks)] : [];
  }

  #updatePointsTable() {
    const table = pointsTable(this.series, this.shown, this.clock);
    this.pointsDetails.hidden = !table;
    if (table && this.pointsDetails.open) this.points.replaceChildren(table);
  }

  #buttons() {
    const { shown } = this;
    const { from_date: from, to_date: to, first_date: first, last_date: last } = this.response;
    const peaks = h("input", { type: "checkbox", id: "traffic-peaks", checked: this.params.get("peaks") !== "no",
      onchange: ({ target }) => { this.#updateAddress({ peaks: target.checked ? null : "no" }); this.#show(); } });
    const zone = select("traffic-zone", this.zones, this.zone, (name) => {
      this.#updateAddress({ zone: name === this.vendorZone ? null : name });
      this.#setClock();
      this.#show();
    });
    return [
      h("div", { class: "group" }, shown.lengths.map(([name, length]) => h("button", {
        id: `traffic-${name.replace(" ", "-")}`, "aria-pressed": String(shown.length === length), onclick: () => this.#zoom(() => shown.setLength(length)),
      }, name))),
      h("div", { class: "group" },
        h("button", { id: "traffic-earlier", disabled: shown.from <= this.loaded.from && from <= first, onclick: () => this.#move(-1) }, "‹ Earlier"),
        h("button", { id: "traffic-later", disabled: shown.to >= this.loaded.to && to >= last, onclick: () => this.#move(1) }, "Later ›")),
      h("label", { class: "check" }, peaks, "Daily peaks"),
      field("Time zone", zone),
    ];
  }

  // At the end of the loaded range, loads the adjacent days.
  #move(direction) {
    const { from_date: from, to_date: to } = this.response;
    const { shown, loaded, params } = this;
    if (shown.move(direction)) return this.#zoom(() => {});
    const { length, isWhole } = shown;
    const next = adjacentRange(from, to, direction);
    const start = direction < 0 ? loaded.from - length : loaded.to;
    navigate("traffic", params, { ...next, ...(isWhole ? WHOLE_RANGE : { at: new Date(start).toISOString(), minutes: length / MINUTE }) });
  }
}
