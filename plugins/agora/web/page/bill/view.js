// The Bill view: a month by every billing method, compared with the previous month, in total and per app.
import { navigate, currentParams } from "../frame/address.js";
import { pathOf, read } from "../frame/api.js";
import { field, h, select } from "../frame/dom.js";
import { formatCount, formatMonth } from "../frame/format.js";
import { daysText, isWholeMonth, reasonNotCompared, statusElement } from "./methods.js";
import { BillTable } from "./table.js";
import { TotalTiles, drawComparison } from "./totals.js";

export async function show(panel, params) {
  const [bill, { months }] = await Promise.all([read("bill", { month: params.get("month") }), read("months")]);
  panel.append(header(bill, months));
  if (!bill.total) return panel.append(emptyState(bill, months));
  const tiles = new TotalTiles(bill);
  const table = new BillTable(bill, params);
  const chart = h("div", { class: "chart", role: "img", "aria-label": "Bar chart of the figures above and the previous month's figures" });
  panel.append(tiles.element, notes(bill), h("h2", {}, "Total of all apps by method"), chart, table.element);
  panel.addEventListener("shown", () => drawComparison(chart, bill).catch((error) => chart.replaceChildren(error.message)));
  loadVolume(bill, tiles, table);
}

// A separate request, because summing every point takes longer than the rest of the bill.
async function loadVolume(bill, tiles, table) {
  let volume;
  try {
    volume = await read("bill/volume", { month: bill.month.slice(0, 7) });
  } catch (error) {
    volume = { error: error.message, total: {}, apps: [], apps_without_points: 0 };
  }
  tiles.addVolume(volume);
  table.addVolume(volume);
}

function header(bill, months) {
  const month = bill.month.slice(0, 7);
  const options = Object.fromEntries([...new Set([bill.month, ...months])].sort().reverse().map((date) => [date.slice(0, 7), formatMonth(date)]));
  const ascending = Object.keys(options).sort();
  const goTo = (chosen) => navigate("bill", currentParams(), { month: chosen, page: null });
  const step = (id, offset, label) => {
    const target = ascending[ascending.indexOf(month) + offset];
    return h("button", { id, "aria-disabled": String(!target), onclick: () => target && goTo(target) }, label);
  };
  return h("div", { class: "controls" },
    step("previous", -1, "‹ Previous month"), field("Month", select("month", options, month, goTo)), step("next", 1, "Next month ›"),
    bill.total && h("a", {
      class: "button", href: pathOf("bill.csv", { month }), download: `agora_bill_${month}.csv`, "data-outside": true,
    }, "Download CSV"),
    bill.total && h("p", { class: "state" }, h("b", {}, formatMonth(bill.month), ": "), statusElement(bill.total),
      bill.is_over ? "" : `, day ${bill.days_over} of ${bill.days_in_month}`, `, ${formatCount(bill.apps.length, "app")}`));
}

function notes(bill) {
  const partialApps = bill.apps.filter((app) => !isWholeMonth(app));
  return h("div", { class: "notes muted" },
    h("p", {}, "The total sums all apps at each five-minute point and then ranks the sums. It is not the sum of the apps' figures. ",
      comparisonNote(bill), " Only final months that cover every calendar day are compared."),
    partialApps.length > 0 && h("p", {}, partialAppsNote(partialApps)),
    !bill.is_over && h("p", {}, h("b", {}, "Projections "), "assume that the rest of the month is like the past days. ",
      "Peak, fourth peak and top-five mean can only rise, so their projections are lower bounds (≥). Volume is scaled from the observed points to all points of the month's expected days."));
}

function comparisonNote(bill) {
  const before = formatMonth(bill.month_before);
  const reason = reasonNotCompared(bill.total, bill);
  if (!bill.total.before) return `${before} has no bill to compare with.`;
  if (reason) return `The total is not compared with ${before}, because ${reason}.`;
  return `Percentages compare with ${before}.`;
}

function partialAppsNote(apps) {
  if (apps.length === 1) return `${apps[0].app_name} covers only ${daysText(apps[0])}. Its figures and projections cover these days.`;
  return `${formatCount(apps.length, "app")} cover only part of the month. Their figures and projections cover their expected days.`;
}

function emptyState(bill, months) {
  if (months.length) {
    return h("div", { class: "empty" }, h("p", {}, `No app was expected in ${formatMonth(bill.month)}. Choose another month.`));
  }
  return h("div", { class: "empty" },
    h("p", {}, "There is no bill yet, because no expected day is over."),
    h("p", {}, "Add your App IDs to the Airflow variable agora_apps and trigger the DAG agora_bandwidth_daily. ",
      h("a", { href: "#coverage" }, "Coverage"), " shows the progress."));
}
