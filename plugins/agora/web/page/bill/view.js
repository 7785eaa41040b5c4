// The view Bill: a month by every method, beside the month before; the total, a chart of it, and every app.
import { pathOf, read } from "../frame/api.js";
import { compareMonths } from "./comparison.js";
import { BillTable } from "./table.js";
import { BillTiles } from "./tiles.js";
import { daysOf, isWholeMonth, notCompared, statusOf } from "./figures.js";
import { field, h, select } from "../frame/dom.js";
import { monthOf, things } from "../frame/format.js";
import { choose, chosenNow } from "../frame/address.js";

export async function show(panel, params) {
  const [bill, { months }] = await Promise.all([read("bill", { month: params.get("month") }), read("months")]);
  panel.append(head(bill, months));
  if (!bill.total) return panel.append(nothing(bill, months));
  const tiles = new BillTiles(bill);
  const apps = new BillTable(bill, params);
  const chart = h("div", { class: "chart", role: "img", "aria-label": "Bars of the figures above, beside those of the month before" });
  panel.append(tiles.element, notes(bill), h("h2", {}, "All apps together, by method"), chart, apps.element);
  panel.addEventListener("shown", () => compareMonths(chart, bill).catch((trouble) => chart.replaceChildren(trouble.message)));
  addVolume(bill, tiles, apps);
}

// Apart, as adding up every point takes longer than all the rest.
async function addVolume(bill, tiles, apps) {
  let volume;
  try {
    volume = await read("bill/volume", { month: bill.month.slice(0, 7) });
  } catch (trouble) {
    volume = { trouble: trouble.message, total: {}, apps: [], apps_without_points: 0 };
  }
  tiles.addVolume(volume);
  apps.addVolume(volume);
}

function head(bill, months) {
  const month = bill.month.slice(0, 7);
  const all = Object.fromEntries([...new Set([bill.month, ...months])].sort().reverse().map((one) => [one.slice(0, 7), monthOf(one)]));
  const order = Object.keys(all).sort();
  const go = (to) => choose("bill", chosenNow(), { month: to, page: null });
  const step = (id, by, label) => {
    const to = order[order.indexOf(month) + by];
    return h("button", { id, "aria-disabled": String(!to), onclick: () => to && go(to) }, label);
  };
  const chooser = select(all, month, go);
  chooser.id = "month";
  return h("div", { class: "controls" },
    step("previous", -1, "‹ Month before"), field("Month", chooser), step("next", 1, "Month after ›"),
    bill.total && h("a", {
      class: "button", href: pathOf("bill.csv", { month }), download: `agora_bill_${month}.csv`, "data-outside": true,
    }, "Download CSV"),
    bill.total && h("p", { class: "state" }, h("b", {}, monthOf(bill.month), ": "), whereItStands(bill)));
}

function whereItStands(bill) {
  const day = bill.is_over ? "" : `, day ${bill.days_over} of ${bill.days_in_month}`;
  return [statusOf(bill.total), day, `, ${things(bill.apps.length, "app")}`];
}

function notes(bill) {
  const before = monthOf(bill.month_before);
  const why = notCompared(bill.total, bill);
  const compared = !bill.total.before
    ? `There is no bill of ${before} to compare with.`
    : why
      ? `The total has no percentage against ${before}, because ${why}.`
      : `Percentages compare the month with ${before}.`;
  const parts = bill.apps.filter((app) => !isWholeMonth(app));
  return h("div", { class: "notes quiet" },
    h("p", {}, "The total is the sum of all apps at each five minutes, then ranked; it is not the sum of the apps' figures. ", compared,
      " Only months that are final and cover every calendar day are compared."),
    parts.length > 0 && h("p", {}, partsOfTheMonth(parts)),
    !bill.is_over && h("p", {}, h("b", {}, "Projected: "), "the percentile and the means stand as they are if the rest of the month is like the past days. ",
      "Peak, fourth peak and top-five mean can only rise (≥, at least). Volume is scaled from the points observed to all points of the month's expected days."));
}

function partsOfTheMonth(parts) {
  if (parts.length === 1) return `${parts[0].app_name} covers only ${daysOf(parts[0])}; its figures and projections are of those days.`;
  return `${things(parts.length, "app")} cover only part of the month; their figures and projections are of their expected days.`;
}

function nothing(bill, months) {
  if (months.length) {
    return h("div", { class: "empty" }, h("p", {}, `No day of ${monthOf(bill.month)} was expected of any app. Choose another month.`));
  }
  return h("div", { class: "empty" },
    h("p", {}, "There is no bill yet, because no expected day is over."),
    h("p", {}, "Name your App IDs in Airflow's variable agora_apps and trigger the DAG agora_bandwidth_daily. ",
      h("a", { href: "#coverage" }, "Coverage"), " shows what it collects."));
}
