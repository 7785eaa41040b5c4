// The Bill view: a month by every billing method, compared with the previous month, in total and per app.
import { navigate, currentParams } from "../frame/address.js";
import { onlyIfInvalid, pathOf, read } from "../frame/api.js";
import { field, h, select } from "../frame/dom.js";
import { formatCount, formatMonth } from "../frame/format.js";
import { daysText, isWholeMonth, reasonNotCompared, statusElement } from "./methods.js";
import { statementsElement } from "./statements.js";
import { BillTable, sumName } from "./table.js";
import { TotalTiles, drawComparison } from "./totals.js";

export async function show(panel, params) {
  const filter = Object.fromEntries(["month", "billing_group", "search"].map((name) => [name, params.get(name) ?? ""]));
  const [bill, choices] = await Promise.all([read("bill", filter).catch(onlyIfInvalid), read("months")]);
  panel.append(header(filter, bill, choices));
  if (bill.fields || !bill.total) return panel.append(...(choices.months.length ? [] : [emptyState()]));
  const tiles = new TotalTiles(bill);
  const table = new BillTable(bill, choices.billing_groups.length > 1, params);
  const statements = h("div");
  const chart = h("div", { class: "chart", role: "img", "aria-label": "Bar chart of the figures above and the previous month's figures" });
  panel.append(tiles.element, notes(bill), statements, h("h2", {}, `${sumName(bill)} by method`), chart, table.element);
  panel.addEventListener("shown", () => drawComparison(chart, bill).catch((error) => chart.replaceChildren(error.message)));
  loadStatements(bill, statements);
  loadVolume(bill, tiles, table);
}

const filterOf = ({ month, billing_group, search }) => ({ month: month.slice(0, 7), billing_group, search });

// A contract covers a whole billing group, so a search has no statements.
async function loadStatements(bill, place) {
  if (bill.search) return;
  try {
    const { statements } = await read("bill/statements", { ...filterOf(bill), search: null });
    if (statements.length) place.append(statementsElement(statements));
  } catch (error) {
    place.append(h("p", { class: "error", role: "alert" }, error.message));
  }
}

// A separate request, because summing every point takes longer than the rest of the bill.
async function loadVolume(bill, tiles, table) {
  let volume;
  try {
    volume = await read("bill/volume", filterOf(bill));
  } catch (error) {
    volume = { error: error.message, total: {}, apps: [], apps_without_points: 0 };
  }
  tiles.addVolume(volume);
  table.addVolume(volume);
}

function header(filter, bill, { months, billing_groups: groups }) {
  const month = bill.month?.slice(0, 7) ?? filter.month;
  const listed = months.map((date) => date.slice(0, 7));
  const options = Object.fromEntries([...new Set([month, ...listed])].sort().reverse().map((name) => [name, bill.fields?.month && name === month ? name : formatMonth(`${name}-01`)]));
  const ascending = Object.keys(options).sort();
  const goTo = (changes) => navigate("bill", currentParams(), { ...changes, page: null });
  const step = (id, offset, label) => {
    const target = ascending[ascending.indexOf(month) + offset];
    return h("button", { id, "aria-disabled": String(!target), onclick: () => target && goTo({ month: target }) }, label);
  };
  const group = filter.billing_group;
  const groupOptions = { "": "All groups", ...Object.fromEntries([...groups, group].filter(Boolean).map((name) => [name, name])) };
  const search = h("input", { id: "bill-search", type: "search", value: filter.search, placeholder: "name or App ID", onchange: () => goTo({ search: search.value.trim() }) });
  const errors = errorsIn(filter, bill, groups);
  return h("div", { class: "controls" },
    step("previous", -1, "‹ Previous month"), field("Month", select("month", options, month, (chosen) => goTo({ month: chosen })), errors.month), step("next", 1, "Next month ›"),
    (groups.length > 1 || group) && field("Billing group", select("bill-group", groupOptions, group, (chosen) => goTo({ billing_group: chosen })), errors.billing_group),
    field("Search", search, errors.search),
    bill.total && h("a", { class: "button", href: pathOf("bill.csv", filterOf(bill)), download: true, "data-outside": true }, "Download CSV"),
    bill.total && h("p", { class: "state" }, h("b", {}, formatMonth(bill.month), ": "), statusElement(bill.total),
      bill.is_over ? "" : `, day ${bill.days_over} of ${bill.days_in_month}`, `, ${formatCount(bill.apps.length, "app")}`));
}

// The message for each control whose value yields no bill.
function errorsIn({ billing_group: group, search }, bill, groups) {
  const unknown = group && !groups.includes(group) && { billing_group: `No app has the billing group “${group}”.` };
  if (bill.fields || bill.total || unknown) return { ...bill.fields, ...unknown };
  const month = formatMonth(bill.month);
  return search ? { search: `No app matches “${search}” in ${month}.` } : { month: `No app has expected days in ${month}.` };
}

function notes(bill) {
  const partialApps = bill.apps.filter((app) => !isWholeMonth(app));
  return h("div", { class: "notes muted" },
    h("p", {}, `The ${bill.billing_group || bill.search ? "subtotal sums these" : "total sums all"} apps at each five-minute point and then ranks the sums. It is not the sum of the apps' figures. `,
      comparisonNote(bill), " Only final months that cover every calendar day are compared."),
    partialApps.length > 0 && h("p", {}, partialAppsNote(partialApps)),
    !bill.is_over && h("p", {}, h("b", {}, "Projections "), "assume that the rest of the month is like the past days. ",
      "Peak, fourth peak and top-five mean can only rise, so their projections are lower bounds (≥). Volume is scaled from the observed points to all points of the month's expected days."));
}

function comparisonNote(bill) {
  const before = formatMonth(bill.month_before);
  const reason = reasonNotCompared(bill.total, bill);
  if (!bill.total.before) return `${before} has no bill to compare with.`;
  if (reason) return `The ${bill.billing_group || bill.search ? "subtotal" : "total"} is not compared with ${before}, because ${reason}.`;
  return `Percentages compare with ${before}.`;
}

function partialAppsNote(apps) {
  if (apps.length === 1) return `${apps[0].app_name} covers only ${daysText(apps[0])}. Its figures and projections cover these days.`;
  return `${formatCount(apps.length, "app")} cover only part of the month. Their figures and projections cover their expected days.`;
}

function emptyState() {
  return h("div", { class: "empty" },
    h("p", {}, "There is no bill yet, because no expected day is over."),
    h("p", {}, "Add your App IDs to the Airflow variable agora_apps and trigger the DAG agora_bandwidth_daily. ",
      h("a", { href: "#coverage" }, "Coverage"), " shows the progress."));
}
