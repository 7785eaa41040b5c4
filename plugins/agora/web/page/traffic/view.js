// The view Traffic: what is chosen, the figures, the chart with its buttons, and the same as tables.
import { read } from "../frame/api.js";
import { dateInput, field, h, select } from "../frame/dom.js";
import { things } from "../frame/format.js";
import { choose, chosenNow } from "../frame/address.js";
import { chooser } from "./apps.js";
import { rangeOf } from "./figures.js";
import { Panel } from "./panel.js";
import { fitted, presets } from "./range.js";
import { Series } from "./series.js";
import { WHOLE } from "./window.js";

const SHOWS = { each: "each app", sum: "the sum of these apps", all: "the sum of all apps" };

export async function show(panel, asked) {
  const answer = await read("traffic", query(asked));
  const params = named(asked, answer);
  if (!answer.last_date && !answer.unknown_app_ids.length) return panel.append(nothingYet());
  const series = answer.series.filter((one) => one.kbps.length).map((one, number) => new Series(one, number));
  panel.append(controls(params, answer), ...unknown(answer), ...answer.series.filter((one) => !one.figures.points).map(nothingThere(params, answer)));
  const seen = series.filter((one) => one.figures.points);
  if (seen.length) new Panel(panel, params, answer, seen, (one) => coverageOf(one, answer));
}

// A sum without apps would be that of all, under another name.
function showsOf(params) {
  const shows = params.get("show");
  return shows === "all" || (shows === "sum" && params.get("app_ids")) ? shows : "each";
}

// What is chosen, with the apps by name: the largest may be another one with other dates, and the sum one of all.
function named(params, answer) {
  const next = new URLSearchParams(params);
  const shows = showsOf(params);
  if (shows === "each") next.delete("show");
  if (shows !== "all" && answer.chosen_apps.length) next.set("app_ids", answer.chosen_apps.map((app) => app.app_id).join(","));
  return next;
}

function query(params) {
  const shows = showsOf(params);
  const ids = params.get("app_ids");
  return {
    app_ids: shows === "all" || !ids ? [] : ids.split(","),
    sum: shows !== "each",
    from_date: params.get("from_date"),
    to_date: params.get("to_date"),
  };
}

function controls(params, answer) {
  const change = (changes) => choose("traffic", chosenNow(), { ...WHOLE, app_ids: params.get("app_ids"), ...changes });
  const shows = showsOf(params);
  const { from_date: from, to_date: to } = answer;
  const withId = (id, element) => { element.id = id; return element; };
  const day = (id, value, fit) => dateInput(id, value, (picked) => change(fit(picked)), { max: answer.last_date });
  const known = presets(answer.last_date ?? to);
  const preset = Object.keys(known).find((name) => known[name].from_date === from && known[name].to_date === to) ?? "other";
  return h("div", { class: "controls" },
    shows === "all"
      ? h("p", { class: "all" }, "All apps")
      : chooser(answer.chosen_apps, (ids) => change({ app_ids: ids.join(",") })),
    field("Show", withId("traffic-show", select(SHOWS, shows, (name) => change({ show: name === "each" ? null : name })))),
    field("Range", withId("traffic-range", select(
      { ...Object.fromEntries(Object.entries(known).map(([name, { label }]) => [name, label])), ...(preset === "other" && { other: "other dates" }) },
      preset, (name) => change(name === "last" ? { from_date: null, to_date: null } : { from_date: known[name].from_date, to_date: known[name].to_date })))),
    h("div", { class: "dates" },
      field("From (usage date)", day("traffic-from", from, (value) => fitted(value, to, "from"))),
      field("To", day("traffic-to", to, (value) => fitted(from, value, "to")))));
}

function nothingYet() {
  return h("div", { class: "empty" },
    h("p", {}, "No app-day is expected yet."),
    h("p", {}, "Name your App IDs in Airflow's variable agora_apps and trigger the DAG agora_bandwidth_daily: its first run fills this page."));
}

function unknown({ unknown_app_ids: ids }) {
  if (!ids.length) return [];
  return [h("p", { class: "trouble" }, `No app with an expected day has the App ID ${ids.join(", ")}. `, h("a", { href: "#traffic" }, "Show the largest app"),
    ", or choose another by its name. An app that was configured today has its first day tomorrow.")];
}

function nothingThere(params, answer) {
  return (one) => {
    const states = Object.entries(one.app_days_by_state);
    const name = one.app_name ?? "These apps";
    const open = states.some(([state]) => state !== "lost");
    const range = rangeOf(answer.from_date, answer.to_date);
    return h("div", { class: "empty" },
      h("p", {}, states.length
        ? `${name}: no point is collected from ${range}. ${states.map(([state, days]) => `${things(days, "app-day")} ${state}`).join(", ")}.`
        : `${name}: no day is expected from ${range}. The expected days are ${rangeOf(answer.first_date, answer.last_date)}.`),
      h("p", {}, ...(states.length ? [h("a", { href: coverageOf(one, answer) }, "See why in Coverage"), open && ", and collect them there", ". "] : []),
        (params.get("from_date") || params.get("to_date")) && h("a", { href: `#traffic?${newest(params)}` }, "Show the last 31 days")));
  };
}

function newest(params) {
  const next = new URLSearchParams(params);
  for (const name of ["from_date", "to_date", ...Object.keys(WHOLE)]) next.delete(name);
  return next;
}

function coverageOf(one, { from_date: from, to_date: to }) {
  return `#coverage?${new URLSearchParams({ ...(one.app_id && { search: one.app_id }), from_date: from, to_date: to, sort: "missing" })}`;
}
