// The Traffic view: the choice of apps and dates, then the figures, the chart and the tables.
import { currentParams, navigate } from "../frame/address.js";
import { isInvalid, read } from "../frame/api.js";
import { dateInput, field, fieldError, h, select } from "../frame/dom.js";
import { formatCount, formatDateRange } from "../frame/format.js";
import { appChooser } from "./app_chooser.js";
import { Panel } from "./panel.js";
import { WHOLE_RANGE, fitRange, presets } from "./range.js";
import { Series } from "./series.js";

const MODES = { each: "Each app", sum: "Sum of these apps", all: "Sum of all apps" };

export async function show(panel, requested) {
  let response;
  try {
    response = await read("traffic", query(requested));
  } catch (error) {
    if (!isInvalid(error)) throw error;
    return panel.append(controls(requested, asRequested(requested), error.fields), invalidChoice());
  }
  const params = withApps(requested, response);
  const errors = unknownApps(response);
  if (errors.app_ids && !response.chosen_apps.length) return panel.append(controls(params, response, errors), invalidChoice());
  if (!response.last_date) return panel.append(noExpectedDays());
  const series = response.series.filter((one) => one.kbps.length).map((one, number) => new Series(one, number));
  panel.append(controls(params, response, errors), ...response.series.filter((one) => !one.figures.points).map((one) => noPoints(one, params, response)));
  const nonEmpty = series.filter((one) => one.figures.points);
  if (nonEmpty.length) new Panel(panel, params, response, nonEmpty, (one) => coverageAddress(one, response));
}

// Without apps, a sum would be the sum of all apps.
function modeOf(params) {
  const mode = params.get("show");
  return mode === "all" || (mode === "sum" && params.get("app_ids")) ? mode : "each";
}

// Adds the App IDs that the route chose, because the largest app may differ for other dates.
function withApps(params, response) {
  const next = new URLSearchParams(params);
  const mode = modeOf(params);
  if (mode === "each") next.delete("show");
  if (mode !== "all" && response.chosen_apps.length) next.set("app_ids", response.chosen_apps.map((app) => app.app_id).join(","));
  return next;
}

function query(params) {
  const mode = modeOf(params);
  const ids = params.get("app_ids");
  return {
    app_ids: mode === "all" || !ids ? [] : ids.split(","),
    sum: mode !== "each",
    from_date: params.get("from_date"),
    to_date: params.get("to_date"),
  };
}

const dateOf = (text) => (Number.isNaN(Date.parse(`${text}T00:00Z`)) ? "" : text);

// Returns the choices of an invalid request in the form of a response.
function asRequested(params) {
  const apps = (params.get("app_ids") ?? "").split(",").filter(Boolean);
  return {
    chosen_apps: apps.map((id) => ({ app_id: id, app_name: id })), unknown_app_ids: [],
    from_date: dateOf(params.get("from_date")), to_date: dateOf(params.get("to_date")), first_date: null, last_date: null,
  };
}

// `errors`: the message for each invalid choice, by name.
function controls(params, response, errors = {}) {
  const change = (changes) => navigate("traffic", currentParams(), { ...WHOLE_RANGE, app_ids: params.get("app_ids"), ...changes });
  const mode = modeOf(params);
  const { from_date: from, to_date: to } = response;
  const date = (label, end, value, fit) => field(label, dateInput(`traffic-${end}`, value, (picked) => change(fit(picked)), { max: response.last_date }), errors[`${end}_date`]);
  const last = response.last_date ?? to;
  const hasPresets = last && !errors.from_date && !errors.to_date;
  const ranges = hasPresets ? presets(last) : {};
  const preset = Object.keys(ranges).find((name) => ranges[name].from_date === from && ranges[name].to_date === to) ?? "other";
  return h("div", { class: "controls" },
    mode === "all"
      ? h("p", { class: "all-apps" }, "All apps")
      : appChooser(response.chosen_apps, response.unknown_app_ids, (ids) => change({ app_ids: ids.join(",") }), errors.app_ids),
    field("Show", select("traffic-show", MODES, mode, (name) => change({ show: name === "each" ? null : name }))),
    hasPresets && field("Range", select("traffic-range",
      { ...Object.fromEntries(Object.entries(ranges).map(([name, { label }]) => [name, label])), ...(preset === "other" && { other: "Other dates" }) },
      preset, (name) => change(name === "last" ? { from_date: null, to_date: null } : { from_date: ranges[name].from_date, to_date: ranges[name].to_date }))),
    h("div", { class: "dates" },
      date("From (usage date)", "from", from, (value) => fitRange(value, to, "from")),
      date("To", "to", to, (value) => fitRange(from, value, "to"))));
}

function noExpectedDays() {
  return h("div", { class: "empty" },
    h("p", {}, "No app-days are expected yet."),
    h("p", {}, "Add your App IDs to the Airflow variable agora_apps and trigger the DAG agora_bandwidth_daily. The first run fills this page."));
}

function unknownApps({ unknown_app_ids: ids }) {
  if (!ids.length) return {};
  return { app_ids: `Unknown App ID: ${ids.join(", ")}. An app that you added today appears tomorrow.` };
}

function invalidChoice() {
  return h("div", { class: "empty" },
    h("p", {}, "Nothing is shown, because a choice is invalid. Correct the marked field, or ", h("a", { href: "#traffic" }, "show the largest app"), "."));
}

function noPoints(one, params, response) {
  const states = Object.entries(one.app_days_by_state);
  const name = one.app_name ?? "Sum of apps";
  const isCollectable = states.some(([state]) => state !== "lost");
  const range = formatDateRange(response.from_date, response.to_date);
  return h("div", { class: "empty" },
    h("p", {}, states.length
      ? `${name}: no points were collected for ${range}. ${states.map(([state, days]) => `${formatCount(days, "app-day")} ${state}`).join(", ")}.`
      : `${name}: no days are expected for ${range}. The expected days are ${formatDateRange(response.first_date, response.last_date)}.`),
    h("p", {}, ...(states.length ? [h("a", { href: coverageAddress(one, response) }, "View the reasons in Coverage"), isCollectable && " and collect the days there", ". "] : []),
      (params.get("from_date") || params.get("to_date")) && h("a", { href: `#traffic?${withoutDates(params)}` }, "Show the last 31 days")));
}

function withoutDates(params) {
  const next = new URLSearchParams(params);
  for (const name of ["from_date", "to_date", ...Object.keys(WHOLE_RANGE)]) next.delete(name);
  return next;
}

function coverageAddress(one, { from_date: from, to_date: to }) {
  return `#coverage?${new URLSearchParams({ ...(one.app_id && { search: one.app_id }), from_date: from, to_date: to, sort: "missing" })}`;
}
