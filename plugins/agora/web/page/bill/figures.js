// What the bill's figures are called, and how each is written, compared and marked.
import { h } from "../frame/dom.js";
import { bytes, count, monthOf, rate } from "../frame/format.js";

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

// Final, so far, incomplete: a sign and words.
export function statusOf(row) {
  const isWhole = row.app_points >= row.expected_app_points;
  const words = isWhole ? row.status : `${row.status}: ${pointsOf(row)}`;
  return h("span", { class: isWhole ? "status" : "status lacking" },
    h("b", { "aria-hidden": "true" }, isWhole ? (row.is_final ? "✓ " : "… ") : "◐ "), words);
}

// Why a comparison with the month before is one of unlike months; null where it is not.
export function unlike(row, bill) {
  if (!row.before) return null;
  const month = monthOf(bill.month_before);
  const days = row.before.expected_points / 288;
  const whole = new Date(Date.parse(bill.month) - 1).getUTCDate();
  if (row.before.app_points < row.before.expected_app_points) return `${month} is incomplete: ${pointsOf(row.before)}`;
  return days < whole ? `in ${month} only ${days} of ${whole} days were wanted` : null;
}

export function changeOf(number, row, bill) {
  const why = number === null || number === undefined ? null : unlike(row, bill);
  return h("span", { title: why ? `${exact(number, "%")}; ${why}` : exact(number, "%") },
    percent(number), why && h("span", { class: "mark", role: "img", "aria-label": `, but ${why}` }, " ◐"));
}

export function projectedOf(number, write, isAtLeast) {
  if (number === null || number === undefined) return h("span", { title: "Too few days to tell" }, "projected –");
  return h("span", {}, isAtLeast ? "projected ≥ " : "projected ", write(number));
}
