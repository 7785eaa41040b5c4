// What the bill's figures are called, and how each is written, compared and marked.
import { h } from "../frame/dom.js";
import { bytes, count, monthOf, rate, things } from "../frame/format.js";

export const METHODS = {
  p95_kbps: { name: "95th percentile", means: "With N points: drop the floor(5 N / 100) highest, take the next." },
  peak_kbps: { name: "Peak", means: "The largest point of the month." },
  mean_daily_peak_kbps: { name: "Mean daily peak", means: "Sum of the daily peaks ÷ days with a point." },
  mean_daily_p95_kbps: { name: "Mean daily 95th", means: "Sum of the daily 95th percentiles ÷ days with a point." },
  fourth_peak_kbps: { name: "Fourth peak", means: "The fourth largest daily peak; none with fewer than four days." },
  top_five_mean_kbps: { name: "Top-five mean", means: "Mean of the five largest daily fifth peaks." },
};
export const VOLUME = { name: "Volume", means: "kbps × 1,000 ÷ 8 × 300 s, summed, if a point is the average of its five minutes." };

const oneDecimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1, signDisplay: "exceptZero" });

export function percent(number) {
  if (number === null || number === undefined) return "–";
  return `${oneDecimal.format(number).replace("-", "−")} %`;
}

// The number as it is on hover, and as the file has it.
export function exact(number, unit) {
  return number === null || number === undefined ? "none" : `${number} ${unit}`;
}

export function rateOf(kbps) {
  return h("span", { title: exact(kbps, "kbps") }, rate(kbps));
}

export function bytesOf(number) {
  return h("span", { title: exact(number, "bytes") }, bytes(number));
}

export function pointsOf(row) {
  return `${count(row.app_points)} of ${count(row.expected_app_points)} points`;
}

export const STATUSES = {
  running: "The month is not over. Its figures cover the days up to yesterday.",
  incomplete: "The month is over, but expected points are absent. The figures cover the points observed.",
  "part of the month": "The month is over and every expected point is stored, but not every calendar day was expected.",
  final: "The month is over, and no expected point is absent.",
};

export function isWholeMonth(row) {
  return row.expected_days >= row.calendar_days;
}

export function daysOf(row) {
  return `${count(row.expected_days)} of ${things(row.calendar_days, "day")}`;
}

// The status with its sign, and what the figures lack: points or days.
export function statusOf(row) {
  const lacksPoints = row.app_points < row.expected_app_points;
  const isPart = row.status === "part of the month";
  const sign = { final: "✓ ", running: "… ", "part of the month": "◑ ", incomplete: "◐ " }[lacksPoints ? "incomplete" : row.status];
  const lacks = [lacksPoints && pointsOf(row), !isWholeMonth(row) && daysOf(row)].filter(Boolean).join(", ");
  const onPurpose = row.is_final && lacks ? " collect_from or collect_until leaves out the other days." : "";
  return h("span", { class: lacksPoints || isPart ? "status lacking" : "status", title: STATUSES[row.status] + onPurpose },
    h("b", { "aria-hidden": "true" }, sign), lacks ? `${row.status}: ${lacks}` : row.status);
}

// The month before, with its days where the figures cover a part of it.
export function beforeOf(row, bill) {
  const month = monthOf(bill.month_before);
  return isWholeMonth(row.before) ? month : `${month} (${daysOf(row.before)})`;
}

// A figure of the month before, marked where it covers a part of that month.
export function figureBefore(written, row, bill) {
  if (isWholeMonth(row.before)) return written;
  const covers = `${monthOf(bill.month_before)} covers ${daysOf(row.before)}`;
  return h("span", {}, written, h("span", { class: "lacking", role: "img", title: covers, "aria-label": covers }, " ◑"));
}

// Why a row has no percentage against the month before; null where it has one, or where there is no month before.
export function notCompared(row, bill) {
  if (!row.before) return null;
  const ofMonths = [[monthOf(bill.month_before), row.before], [monthOf(bill.month), row]];
  for (const [month, figures] of ofMonths) {
    if (figures.status === "incomplete") return `${month} is incomplete: ${pointsOf(figures)}`;
    if (!isWholeMonth(figures)) return `${month} covers ${daysOf(figures)}`;
    if (figures.status === "running") return `${month} is not over`;
    // Every day of the total is expected of some app, but not of each.
    if (figures.status !== "final") return `${month} is not whole for every app`;
  }
  return null;
}

export function changeOf(number, row, bill) {
  const why = notCompared(row, bill);
  return h("span", { title: why ? `Not compared: ${why}.` : exact(number, "%") }, percent(number));
}

export function projectedOf(number, write, isAtLeast) {
  if (number === null || number === undefined) return h("span", { title: "Too few days to tell" }, "projected –");
  return h("span", {}, isAtLeast ? "projected ≥ " : "projected ", write(number));
}
