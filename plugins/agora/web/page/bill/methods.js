// The billing methods, and the elements that show a figure, its change, its projection and a row's status.
import { h } from "../frame/dom.js";
import { byteUnit, formatBytes, formatCount, formatInUnit, formatInteger, formatMonth, formatRate, rateUnit } from "../frame/format.js";

export const METHODS = {
  p95_kbps: { name: "95th percentile", means: "Of N points, drop the floor(5 N / 100) highest. The next point is the percentile." },
  peak_kbps: { name: "Peak", means: "The largest point of the month." },
  mean_daily_peak_kbps: { name: "Mean daily peak", means: "Sum of the daily peaks ÷ days with a point." },
  mean_daily_p95_kbps: { name: "Mean daily 95th", means: "Sum of the daily 95th percentiles ÷ days with a point." },
  fourth_peak_kbps: { name: "Fourth peak", means: "The fourth largest daily peak. Requires four days." },
  top_five_mean_kbps: { name: "Top-five mean", means: "Mean of the five largest daily fifth peaks." },
};
export const VOLUME = { name: "Volume", means: "Sum of kbps × 1,000 ÷ 8 × 300 s, assuming that a point is the average of its five minutes." };

const STATUSES = {
  running: "The month is not over. Figures cover the days up to yesterday.",
  incomplete: "The month is over, but points are missing. Figures cover the observed points.",
  "part of the month": "The month is over and every expected point is stored, but some calendar days were not expected.",
  final: "The month is over and no expected point is missing.",
};
const oneDecimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1, signDisplay: "exceptZero" });

function formatPercent(number) {
  if (number === null || number === undefined) return "–";
  return `${oneDecimal.format(number).replace("-", "−")} %`;
}

// The number with three decimal places, as in the CSV file.
function exactText(number, unit) {
  return number === null || number === undefined ? "none" : `${number} ${unit}`;
}

export function rateElement(kbps) {
  return h("span", { title: exactText(kbps, "kbps") }, formatRate(kbps));
}

export function bytesElement(number) {
  return h("span", { title: exactText(number, "bytes") }, formatBytes(number));
}

// Formats a column's figures in one unit, which suits the largest figure.
export class Column {
  constructor(numbers, isRate) {
    const largest = numbers.reduce((most, number) => Math.max(most, number ?? 0), 0);
    this.unit = isRate ? rateUnit(largest) : byteUnit(largest);
    this.exactUnit = isRate ? "kbps" : "bytes";
  }

  element = (number) => h("span", { title: exactText(number, this.exactUnit) }, formatInUnit(number, this.unit));
}

export function projectionElement(number, element, isLowerBound) {
  if (number === null || number === undefined) return h("span", { title: "Too few days to project" }, "projected –");
  return h("span", {}, isLowerBound ? "projected ≥ " : "projected ", element(number));
}

export function changeElement(number, row, bill) {
  const reason = reasonNotCompared(row, bill);
  return h("span", { title: reason ? `Not compared: ${reason}.` : exactText(number, "%") }, formatPercent(number));
}

function pointsText(row) {
  return `${formatInteger(row.app_points)} of ${formatInteger(row.expected_app_points)} points`;
}

export function daysText(row) {
  return `${formatInteger(row.expected_days)} of ${formatCount(row.calendar_days, "day")}`;
}

export const lacksPoints = (row) => row.app_points < row.expected_app_points;
export const isWholeMonth = (row) => row.expected_days >= row.calendar_days;

// The status with its sign, and the covered points or days if some are missing.
export function statusElement(row) {
  const isPart = row.status === "part of the month";
  const sign = { final: "✓ ", running: "… ", "part of the month": "◑ ", incomplete: "◐ " }[lacksPoints(row) ? "incomplete" : row.status];
  const covered = [lacksPoints(row) && pointsText(row), !isWholeMonth(row) && daysText(row)].filter(Boolean).join(", ");
  const reason = row.is_final && covered ? " The setting collect_from or collect_until excludes the other days." : "";
  return h("span", { class: lacksPoints(row) || isPart ? "status incomplete" : "status", title: STATUSES[row.status] + reason },
    h("b", { "aria-hidden": "true" }, sign), covered ? `${row.status}: ${covered}` : row.status);
}

// A figure from the previous month, marked if the row covers only part of that month.
export function figureBefore(figure, row, bill) {
  if (isWholeMonth(row.before)) return figure;
  const label = `${formatMonth(bill.month_before)} covers ${daysText(row.before)}`;
  return h("span", {}, figure, h("span", { class: "incomplete", role: "img", title: label, "aria-label": label }, " ◑"));
}

// Returns why a row has no percentage. Returns null if the row has one, or if there is no previous month.
export function reasonNotCompared(row, bill) {
  if (!row.before) return null;
  for (const [isoDate, figures] of [[bill.month_before, row.before], [bill.month, row]]) {
    const month = formatMonth(isoDate);
    if (figures.status === "incomplete") return `${month} is incomplete: ${pointsText(figures)}`;
    if (!isWholeMonth(figures)) return `${month} covers ${daysText(figures)}`;
    if (figures.status === "running") return `${month} is not over`;
    // Each day of the total is expected for some app, but not for every app.
    if (figures.status !== "final") return `${month} is not complete for every app`;
  }
  return null;
}
