// The figures for the range as tiles or as a table, notices about missing points, and tables of days and points.
import { h, table } from "../frame/dom.js";
import { formatBytes, formatCount, formatDate, formatInteger, formatRate } from "../frame/format.js";
import { DAY } from "./clock.js";

// Tiles for one series, a table for several.
export function figuresElement(series, clock, rangeText, onpeak) {
  return series.length === 1 ? tiles(series[0], clock, rangeText, onpeak) : figuresTable(series, clock, rangeText, onpeak);
}

function tiles(single, clock, rangeText, onpeak) {
  const { figures } = single;
  return h("div", { class: "tiles" },
    tile("95th percentile", formatRate(figures.p95_kbps), `of the five-minute points, ${rangeText}`),
    tile("Peak", formatRate(figures.peak_kbps), peakButton(single, clock, onpeak)),
    tile("Mean", formatRate(figures.mean_kbps), "of the five-minute points"),
    tile("Volume", formatBytes(figures.volume_bytes), "assuming that points are averages"),
    tile("Points", `${warningSign(figures)}${formatInteger(figures.points)}`, `of ${formatInteger(figures.expected_points)} expected`));
}

function tile(label, figure, remark) {
  return h("div", { class: "tile" }, h("span", {}, label), h("b", {}, figure), h("small", { class: "muted" }, remark));
}

function figuresTable(series, clock, rangeText, onpeak) {
  return h("div", { class: "scroll" }, table(`Figures of the five-minute points, ${rangeText}`,
    ["App", "95th percentile", "Peak", `Peak at (${clock.name})`, "Mean", "Volume", "Points / expected"],
    series.map((one) => [h("span", {}, colourKey(one.colour), `${one.sign} ${one.name}`), formatRate(one.figures.p95_kbps), formatRate(one.figures.peak_kbps), peakButton(one, clock, onpeak),
      formatRate(one.figures.mean_kbps), formatBytes(one.figures.volume_bytes), pointsText(one.figures)]),
    { class: "plain figures" }));
}

// A short line in the colour of a series or mark.
export function colourKey(colour) {
  const key = h("span", { class: "colour-key", "aria-hidden": "true" });
  key.style.background = `var(${colour})`;
  return key;
}

function peakButton({ figures: { peak_at: peakAt }, number }, clock, onpeak) {
  if (!peakAt) return "–";
  return h("button", { class: "link", id: `peak-${number}`, title: "Show the hour around the peak", onclick: () => onpeak(Date.parse(peakAt)) }, clock.time(Date.parse(peakAt)));
}

const isIncomplete = (figures) => figures.points < figures.expected_points || figures.points_lacking_apps > 0;
const warningSign = (figures) => (isIncomplete(figures) ? "▲ " : "");
const pointsText = (figures) => `${warningSign(figures)}${formatInteger(figures.points)} of ${formatInteger(figures.expected_points)}`;

// One notice per series with missing points.
export function missingPointsNotices(series, coverageLink) {
  return series.filter(({ figures }) => isIncomplete(figures)).map((one) => {
    const { points, expected_points: expected, points_lacking_apps: incompleteSums, most_absent_apps: maxAbsent } = one.figures;
    const uncollected = Object.entries(one.app_days_by_state).filter(([state]) => state !== "collected");
    const missing = expected - points;
    return h("p", { class: "error" }, h("b", {}, "▲ "), `${one.name}: `,
      missing > 0 && `${formatInteger(missing)} of ${formatCount(expected, "point")} ${missing === 1 ? "is" : "are"} missing. All figures cover the observed points. `,
      incompleteSums > 0 && `${formatCount(incompleteSums, "sum")} ${incompleteSums === 1 ? "excludes" : "exclude"} apps without a point, at most ${formatInteger(maxAbsent)} of ${formatCount(one.apps, "app")} at once. These sums are too low, and the figures may be too low. `,
      uncollected.length > 0 && `Not collected: ${uncollected.map(([state, days]) => `${formatCount(days, "app-day")} ${state}`).join(", ")}. `,
      coverageLink(one));
  });
}

export function daysTable(series, clock, midnight, onday) {
  const headings = ["Usage date", "Points of 288", "95th percentile", "Peak", `Peak at (${clock.name})`, "Mean", "Volume"];
  const rows = series.days.map((day) => [
    h("button", { class: "link", title: "Show this day", onclick: () => onday(midnight(day.usage_date), midnight(day.usage_date) + DAY) }, formatDate(day.usage_date)),
    day.points_lacking_apps ? `${pointsText(day)}, ${formatInteger(day.points_lacking_apps)} without every app` : pointsText(day),
    formatRate(day.p95_kbps), formatRate(day.peak_kbps), day.peak_at ? clock.time(Date.parse(day.peak_at)) : "–", formatRate(day.mean_kbps), formatBytes(day.volume_bytes),
  ]);
  return h("details", { id: `days-${series.number}` }, h("summary", {}, `Table of days: ${series.name}`),
    h("div", { class: "scroll" }, table("Usage dates are in the vendor's time zone. Days without points have no figures; missing is not zero.", headings, rows, { class: "plain days" })));
}

// The points of a window of at most a day; null for longer windows.
export function pointsTable(series, shown, clock) {
  if (shown.length > DAY) return null;
  const instants = [];
  for (let instant = shown.from; instant < shown.to; instant += series[0].step) instants.push(instant);
  const cell = (one, instant) => {
    const slot = (instant - one.from) / one.step;
    const kbps = one.kbps[slot] ?? null;
    if (kbps === null) return one.isMissing(slot) ? "missing" : "–";
    return one.isIncomplete(slot) ? `▲ ${formatRate(kbps)}, without ${formatCount(one.absent_apps[slot], "app")}` : formatRate(kbps);
  };
  return table(`Five-minute points by start time (${clock.name})`, ["Start", ...series.map((one) => one.name)],
    instants.map((instant) => [clock.time(instant), ...series.map((one) => cell(one, instant))]), { class: "plain" });
}
