// The statements: each billing group's contract, applied to its billing period.
import { h } from "../frame/dom.js";
import { formatAmount, formatCount, formatDateRange, formatRate } from "../frame/format.js";
import { METHODS } from "./methods.js";

const COLUMNS = ["Billing group", "Period", "State", "Method", "Billable", "Commit", "Overage", "Amount", "Projected", "Days until commit"];

export function statementsElement(statements) {
  return h("section", { class: "statements", "aria-label": "Statements" },
    h("h2", {}, statements.length === 1 ? "Statement" : "Statements"),
    h("div", { class: "scroll" }, h("table", { class: "plain" },
      h("caption", {}, "Each billing group's contract, applied to the billing period that begins in this month."),
      h("thead", {}, h("tr", {}, COLUMNS.map((label) => h("th", { scope: "col" }, label)))),
      h("tbody", {}, statements.map((one) => h("tr", {}, cells(one)))))));
}

function cells(one) {
  return [
    h("th", { scope: "row" }, one.billing_group),
    h("td", {}, formatDateRange(one.period_start, one.period_end)),
    h("td", { class: one.status === "final" ? null : "incomplete" }, one.status),
    h("td", {}, METHODS[one.method].name),
    ...[one.billable_kbps, one.commit_kbps, one.overage_kbps].map((kbps) => h("td", { title: kbps === null ? "none" : `${kbps} kbps` }, formatRate(kbps))),
    h("td", {}, formatAmount(one.amount, one.currency)),
    h("td", {}, one.status === "running" ? [formatRate(one.projected_kbps), one.projected_amount !== null && h("small", {}, formatAmount(one.projected_amount, one.currency))] : "–"),
    h("td", { title: "According to the linear trend of the daily values in this period" }, one.days_until_commit === null ? "–" : formatCount(one.days_until_commit, "day")),
  ];
}
