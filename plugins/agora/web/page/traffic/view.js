// The Traffic view: the choice of apps and dates, then the figures, the chart and the tables.
import { currentParams, navigate } from "../frame/address.js";
import { read } from "../frame/api.js";
import { dateInput, field, h, select } from "../frame/dom.js";
import { formatCount, formatDateRange } from "../frame/format.js";
import { appChooser } from "./app_chooser.js";
import { Panel } from "./panel.js";
import { WHOLE_RANGE, fitRange, presets } from "./range.js";
import { Series } from "./series.js";

const MODES = { each: "Each app", sum: "Sum of these apps", all: "Sum of all apps" };

export async function show(panel, requested) {
  const response = await read("traffic", query(requested));
  const params = withApps(requested, response);
  if (!response.last_date && !response.unknown_app_ids.length) return panel.append(noExpectedDays());
  const series = response.series.filter((one) => one.kbps.length).map((one, number) => new Series(one, number));
  panel.append(controls(params, response), ...unknownApps(response), ...response.series.filter((one) => !one.figures.points).map((one) => noPoints(one, params, response)));
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

function controls(params, response) {
  const change = (changes) => navigate("traffic", currentParams(), { ...WHOLE_RANGE, app_ids: params.get("app_ids"), ...changes });
  const mode = modeOf(params);
  const { from_date: from, to_date: to } = response;
  const date = (id, value, fit) => dateInput(id, value, (picked) => change(fit(picked)), { max: response.last_date });
  const ranges = presets(response.last_date ?? to);
  const preset = Object.keys(ranges).find((name) => ranges[name].from_date === from && ranges[name].to_date === to) ?? "other";
  return h("div", { class: "controls" },
    mode === "all"
      ? h("p", { class: "all-apps" }, "All apps")
      : appChooser(response.chosen_apps, (ids) => change({ app_ids: ids.join(",") })),
    field("Show", select("traffic-show", MODES, mode, (name) => change({ show: name === "each" ? null : name }))),
    field("Range", select("traffic-range",
      { ...Object.fromEntries(Object.entries(ranges).map(([name, { label }]) => [name, label])), ...(preset === "other" && { other: "Other dates" }) },
      preset, (name) => change(name === "last" ? { from_date: null, to_date: null } : { from_date: ranges[name].from_date, to_date: ranges[name].to_date }))),
    h("div", { class: "dates" },
      field("From (usage date)", date("traffic-from", from, (value) => fitRange(value, to, "from"))),
      field("To", date("traffic-to", to, (value) => fitRange(from, value, "to")))));
}

function noExpectedDays() {
  return h("div", { class: "empty" },
    h("p", {}, "No app-days are expected yet."),
    h("p", {}, "Add your App IDs to the Airflow variable agora_apps and trigger the DAG agora_bandwidth_daily. The first run fills this page."));
}

function unknownApps({ unknown_app_ids: ids }) {
  if (!ids.length) return [];
  return [h("p", { class: "error" }, `Unknown App ID: ${ids.join(", ")}. `, h("a", { href: "#traffic" }, "Show the largest app"),
    " or search for another app. An app that you added today appears tomorrow.")];
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
