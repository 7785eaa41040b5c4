// The history of one app-day, in a dialog: its state, chart, recorded responses and restatements.
import { read } from "../frame/api.js";
import { STATES, timeLeft } from "../frame/app_day_states.js";
import { h, morph } from "../frame/dom.js";
import { formatBytes, formatCount, formatDate, formatDateRange, formatInteger, formatNames, formatTime } from "../frame/format.js";
import { drawTraffic } from "../traffic/chart.js";
import { Clock } from "../traffic/clock.js";
import { Window } from "../traffic/range.js";
import { Series } from "../traffic/series.js";

const MAX_NAMES = 5;
// The volume of a rate of 1 kbps over five minutes.
const BYTES_PER_POINT_AND_KBPS = 37_500;

export class DayHistory {
  // `buttons(days)`: returns the buttons that collect the given days. `onclose`: called when the dialog closes.
  constructor(appId, date, { buttons, onclose }) {
    Object.assign(this, { appId, date, buttons });
    this.heading = h("h2", { id: "day-heading" }, formatDate(date));
    this.content = h("div", {}, h("p", { class: "muted" }, "Loading…"));
    this.actions = h("div", { class: "actions" });
    this.chart = h("div", { class: "chart", role: "img", "aria-label": "Five-minute points of this day", hidden: true });
    this.records = h("div");
    this.element = h("dialog", { class: "day-history", "aria-labelledby": "day-heading", onclose, onclick: (event) => this.#closeOutside(event) },
      h("header", {}, this.heading, h("form", { method: "dialog" }, h("button", { "aria-label": "Close" }, "✕"))),
      this.content, this.actions, this.chart, this.records);
    // Any action closes this dialog, because the progress of a run and the confirmation appear outside it.
    this.actions.addEventListener("click", (event) => { if (event.target.closest("button")) this.element.close(); }, { capture: true });
  }

  // Add the dialog to the document first. Closing the dialog returns the focus to the previously focused element.
  open() {
    this.element.showModal();
    return this.update();
  }

  async update() {
    try {
      const history = await read("day", { app_id: this.appId, usage_date: this.date });
      this.#show(history);
      if (history.day?.points && this.points !== history.day.points) await this.#drawChart(history.day.points);
    } catch (error) {
      morph(this.content, [h("p", { class: "error", role: "alert" }, error.message)]);
    }
  }

  #show({ app, day, responses, responses_in_all: total, restatements }) {
    if (!app) {
      this.heading.textContent = formatDate(this.date);
      return morph(this.content, [h("p", { class: "error", role: "alert" }, `Unknown App ID: ${this.appId}. An app that you added today appears tomorrow.`)]);
    }
    this.heading.textContent = `${app.app_name}, ${formatDate(this.date)}`;
    morph(this.content, [day ? stateElement(day) : h("p", {}, "No points are expected for this day."), links(this.appId, this.date)]);
    this.actions.replaceChildren(...(day ? this.buttons([{ ...day, app, usage_date: this.date }]).filter(Boolean) : []));
    morph(this.records, [h("h3", {}, "Responses"), responsesTable(day, responses, total), ...restatementsSection(restatements)]);
  }

  async #drawChart(points) {
    const { series: [fields] } = await read("traffic", { app_ids: this.appId, from_date: this.date, to_date: this.date });
    const series = new Series(fields, 0);
    const range = { from: series.from, to: series.to };
    this.chart.hidden = false;
    await drawTraffic(this.chart, [series], new Window(range, new URLSearchParams()), new Clock(series.timezone, range.from, range.to), { peaks: true, range: formatDateRange(this.date, this.date) });
    this.points = points;
  }

  #closeOutside({ target, clientX: x, clientY: y }) {
    const { left, right, top, bottom } = this.element.getBoundingClientRect();
    if (target === this.element && (x < left || x > right || y < top || y > bottom)) this.element.close();
  }
}

function stateElement(day) {
  const remarks = [
    `${formatInteger(day.points)} of 288 points`, day.reason,
    day.same_response_as.length && `same response as ${formatNames(day.same_response_as, MAX_NAMES)}`,
    !["collected", "lost"].includes(day.state) && timeLeft(day.days_left),
  ].filter(Boolean);
  return h("p", { class: "state" }, h("span", { class: `swatch ${day.state}`, "aria-hidden": "true" }, STATES[day.state].sign), h("b", {}, day.state), remarks.join("; "));
}

function links(appId, date) {
  return h("p", { class: "links" },
    h("a", { href: `#traffic?${new URLSearchParams({ app_ids: appId, from_date: date, to_date: date })}` }, "Traffic of this day"),
    h("a", { href: `#traffic?${new URLSearchParams({ app_ids: appId })}` }, "Traffic of the last 31 days"));
}

function tableOf(caption, headings, rows) {
  return h("div", { class: "scroll" }, h("table", { class: "plain" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, headings.map((heading) => h("th", { scope: "col" }, heading)))),
    h("tbody", {}, rows)));
}

function responsesTable(day, responses, total) {
  const attempts = day?.attempts ?? 0;
  // A response is absent if retention deleted it or if the request received none.
  const caption = [
    responses.length < total ? `The ${formatInteger(responses.length)} newest of ${formatCount(total, "recorded response")}` : formatCount(total, "recorded response"),
    attempts > total && `${formatCount(attempts - total, "further request")} without a stored response`,
  ].filter(Boolean).join(", ");
  if (!responses.length) return h("p", { class: "muted" }, attempts ? `${caption}.` : "Not requested yet.");
  return tableOf(caption, ["Time", "HTTP status", "Points", "Vendor message or reason for rejection"], responses.map((response) => h("tr", {},
    h("td", {}, formatTime(response.fetched_at)),
    h("td", {}, String(response.http_status)),
    h("td", {}, response.points === null ? "–" : formatInteger(response.points)),
    h("td", { class: "message" }, response.is_stored ? "These points are stored." : response.message))));
}

function restatementsSection(restatements) {
  if (!restatements.length) return [];
  const volume = (sum) => (sum === null ? "–" : formatBytes(sum * BYTES_PER_POINT_AND_KBPS));
  return [h("h3", {}, "Restatements"), tableOf("The vendor changed the points after they were collected", ["Time", "Points", "Volume", "Remark"], restatements.map((one) => h("tr", {},
    h("td", {}, formatTime(one.restated_at)),
    h("td", {}, `${formatInteger(one.points_changed)} changed, ${formatInteger(one.points_added)} added`),
    h("td", {}, `${volume(one.old_sum_kbps)} → ${volume(one.new_sum_kbps)}`),
    h("td", { class: "message" }, [
      one.is_drop && "dropped to less than half", one.moved_by_seconds && "time zone corrected",
      one.reviewed_at && `reviewed by ${one.reviewed_by}, ${formatTime(one.reviewed_at)}`,
    ].filter(Boolean).join("; ")))))];
}
