// The Trend view: monthly or daily figures over the entire stored history, for an app, a billing group or all apps.
import { currentParams, navigate, updateAddress } from "../frame/address.js";
import { onlyIfInvalid, pathOf, read } from "../frame/api.js";
import { field, h, select, table } from "../frame/dom.js";
import { formatCount, formatDate, formatInteger, formatMonth, formatRate } from "../frame/format.js";
import { chartAsPng } from "../frame/plotly.js";
import { appChooser } from "../traffic/app_chooser.js";
import { FIGURES, drawTrend } from "./chart.js";

const SUBJECTS = { all: "All apps", group: "A billing group", app: "An app" };
const STEPS = { month: "Months", day: "Days" };
const MIN_MONTHS = 4;

export async function show(panel, params) {
  const chosen = { step: params.get("step") ?? "month", app_id: params.get("app_id") ?? "", billing_group: params.get("billing_group") ?? "" };
  const [trend, { billing_groups: groups }] = await Promise.all([read("trend", chosen).catch(onlyIfInvalid), read("months")]);
  panel.append(controls(chosen, params, trend, groups));
  if (trend.fields) return;
  if (!trend.rows.length) return panel.append(emptyState());
  const chart = h("div", { class: "chart", role: "img", "aria-label": "Peak and 95th percentile over time", "aria-describedby": "trend-summary" });
  const draw = () => drawTrend(chart, trend, currentParams().get("axis") === "log").catch((error) => chart.replaceChildren(error.message));
  panel.append(tiles(trend), exports(chosen, trend, chart, draw), chart, summary(trend), rowsTable(trend));
  panel.addEventListener("shown", draw);
}

export const dateText = (trend, date) => (trend.step === "month" ? formatMonth(date) : formatDate(date));
const nameOf = (trend) => trend.app_name ?? trend.billing_group ?? "All apps";

function controls(chosen, params, trend, groups) {
  const subject = params.get("show") ?? (chosen.app_id ? "app" : chosen.billing_group ? "group" : "all");
  const goTo = (changes) => navigate("trend", currentParams(), changes);
  const choose = { all: { show: null }, group: { show: null, billing_group: groups[0] }, app: { show: "app" } };
  const errors = trend.fields ?? {};
  const options = Object.fromEntries([...new Set([...groups, chosen.billing_group])].filter(Boolean).map((name) => [name, name]));
  const apps = trend.app_id ? [trend] : [];
  return h("div", { class: "controls" },
    field("Show", select("trend-show", SUBJECTS, subject, (name) => goTo({ app_id: null, billing_group: null, ...choose[name] }))),
    subject === "group" && field("Billing group", select("trend-group", options, chosen.billing_group, (name) => goTo({ billing_group: name })), errors.billing_group),
    subject === "app" && appChooser(apps, errors.app_id ? [chosen.app_id] : [], (ids) => goTo({ app_id: ids.at(-1), show: ids.length ? null : "app" }), errors.app_id),
    field("Interval", select("trend-step", STEPS, chosen.step, (step) => goTo({ step: step === "month" ? null : step })), errors.step));
}

function tiles(trend) {
  const last = trend.rows.findLast((row) => row.is_complete);
  const tile = (name, value, ...lines) => h("div", { class: "tile" }, name, h("b", {}, value), ...lines.map((line) => h("span", { class: "muted" }, line)));
  return h("div", { class: "tiles", role: "group", "aria-label": nameOf(trend) },
    Object.entries(FIGURES).map(([key, { name }]) => tile(`${name}, last complete ${trend.step}`, formatRate(last?.[key]), last ? dateText(trend, last.date) : "none yet")),
    trend.step === "month" && Object.entries(FIGURES).map(([key, { name }]) => growthTile(tile, name, trend.growth[key])),
    trend.commit_kbps !== null && tile("Commit", formatRate(trend.commit_kbps), `contract of the group ${trend.billing_group}`));
}

const percent = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1, signDisplay: "exceptZero" });
const formatPercent = (number) => `${percent.format(number).replace("-", "−")} %`;

function growthTile(tile, name, growth) {
  if (!growth) return tile(`Growth of the ${name.toLowerCase()}`, "–", `needs ${MIN_MONTHS} complete months with traffic`);
  return tile(`Growth of the ${name.toLowerCase()}`, `${formatPercent(growth.percent)} per month`,
    `95 % range ${formatPercent(growth.low_percent)} to ${formatPercent(growth.high_percent)}, from ${formatCount(growth.months, "complete month")}`);
}

function exports(chosen, trend, chart, draw) {
  const axis = h("input", { type: "checkbox", id: "trend-log", checked: currentParams().get("axis") === "log",
    onchange: () => { updateAddress("trend", currentParams(), { axis: axis.checked ? "log" : null }); draw(); } });
  return h("div", { class: "controls" },
    h("label", { class: "check" }, axis, "Logarithmic axis"),
    h("a", { class: "button", href: pathOf("trend.csv", chosen), download: true, "data-outside": true }, "Download CSV"),
    h("button", { id: "trend-png", onclick: () => downloadPng(trend, chart) }, "Download PNG"));
}

// Airflow's frame may block a download, so the link is followed in the outer document.
async function downloadPng(trend, chart) {
  const link = h("a", { href: await chartAsPng(chart), download: `agora_trend_${trend.step}_${nameOf(trend)}.png`, "data-outside": true });
  document.body.append(link);
  link.click();
  link.remove();
}

function summary(trend) {
  const incomplete = trend.rows.filter((row) => !row.is_complete);
  const noun = trend.step;
  return h("p", { class: "muted", id: "trend-summary" },
    `${nameOf(trend)}: ${formatCount(trend.rows.length, noun)} from ${dateText(trend, trend.rows[0].date)} to ${dateText(trend, trend.rows.at(-1).date)}. `,
    incomplete.length > 0 && h("span", { class: "incomplete" }, `◇ ${formatCount(incomplete.length, noun)} ${incomplete.length === 1 ? "is" : "are"} incomplete and not connected by the line. `),
    trend.step === "day" ? "A day is complete if no expected point is missing."
      : "A month is complete if it is final and covers every calendar day. Growth is the slope of the least-squares line through the logarithms of the complete months. Its range is the 95 % confidence interval.");
}

function rowsTable(trend) {
  const rows = [...trend.rows].reverse().map((row) => [
    dateText(trend, row.date),
    h("span", { class: row.is_complete ? null : "incomplete" }, row.is_complete ? row.status : `◇ ${row.status}`),
    ...Object.keys(FIGURES).map((key) => h("span", { title: row[key] === null ? "none" : `${row[key]} kbps` }, formatRate(row[key]))),
    `${formatInteger(row.app_points)} of ${formatInteger(row.expected_app_points)}`,
  ]);
  const headings = [trend.step === "month" ? "Month" : "Usage date", "State", ...Object.values(FIGURES).map(({ name }) => name), "Points"];
  return h("details", { id: "trend-rows", open: trend.step === "month" }, h("summary", {}, "Table"),
    h("div", { class: "scroll" }, table(`${nameOf(trend)}, newest first. Point at a figure to see the exact value.`, headings, rows, { class: "plain trend-rows" })));
}

function emptyState() {
  return h("div", { class: "empty" },
    h("p", {}, "There is no history yet, because no expected day is over."),
    h("p", {}, "Add your App IDs to the Airflow variable agora_apps and trigger the DAG agora_bandwidth_daily."));
}
