// The range's figures, what is missing of them, and the table of days.
import { h, table } from "../frame/dom.js";
import { bytes, count, longDate, rate, things } from "../frame/format.js";
import { DAY } from "./clock.js";

export function figures(series, clock, rangeText, onpeak) {
  return series.length === 1 ? tiles(series[0], clock, rangeText, onpeak) : rows(series, clock, rangeText, onpeak);
}

function tiles(one, clock, rangeText, onpeak) {
  const { figures: of } = one;
  return h("div", { class: "tiles" },
    tile("95th percentile", rate(of.p95_kbps), `of the five-minute points, ${rangeText}`),
    tile("Peak", rate(of.peak_kbps), whenPeaked(one, clock, onpeak)),
    tile("Mean", rate(of.mean_kbps), "of the five-minute points"),
    tile("Volume", bytes(of.volume_bytes), "if a point is an average"),
    tile("Points", `${mark(of)}${count(of.points)}`, `of ${count(of.expected_points)} expected`));
}

function tile(name, figure, remark) {
  return h("div", { class: "tile" }, h("span", {}, name), h("b", {}, figure), h("small", { class: "quiet" }, remark));
}

function rows(series, clock, rangeText, onpeak) {
  return h("div", { class: "scroll" }, table(`Figures of the five-minute points, ${rangeText}`,
    ["App", "95th percentile", "Peak", `Peak at (${clock.name})`, "Mean", "Volume", "Points / expected"],
    series.map((one) => [h("span", {}, key(one.colour), `${one.sign} ${one.name}`), rate(one.figures.p95_kbps), rate(one.figures.peak_kbps), whenPeaked(one, clock, onpeak),
      rate(one.figures.mean_kbps), bytes(one.figures.volume_bytes), pointsOf(one.figures)]),
    { class: "plain figures" }));
}

// A patch of a token's colour.
export function key(colour) {
  const swatch = h("span", { class: "key", "aria-hidden": "true" });
  swatch.style.background = `var(${colour})`;
  return swatch;
}

function whenPeaked(one, clock, onpeak) {
  const { peak_at: at } = one.figures;
  if (!at) return "–";
  return h("button", { class: "link", id: `peak-${one.number}`, title: "Show the hour around it", onclick: () => onpeak(Date.parse(at)) }, clock.time(Date.parse(at)));
}

const isIncomplete = (of) => of.points < of.expected_points || of.points_lacking_apps > 0;
const mark = (of) => (isIncomplete(of) ? "▲ " : "");
const pointsOf = (of) => `${mark(of)}${count(of.points)} of ${count(of.expected_points)}`;

// What the figures lack, in words; nothing where they lack nothing.
export function remarks(series, toCoverage) {
  return series.flatMap((one) => {
    const { figures: of } = one;
    const words = [];
    const absent = of.expected_points - of.points;
    if (absent > 0) words.push(`${things(absent, "point")} of ${count(of.expected_points)} ${absent === 1 ? "is" : "are"} absent: every figure is over the points there are.`);
    if (of.points_lacking_apps) {
      words.push(`${things(of.points_lacking_apps, "point")} of the sum ${of.points_lacking_apps === 1 ? "lacks" : "lack"} apps, at most ${
        count(of.most_absent_apps)} of ${count(one.apps)} at once: the sum is too low there, and its figures may be.`);
    }
    const open = Object.entries(one.app_days_by_state).filter(([state]) => state !== "collected");
    if (!words.length) return [];
    return [h("p", { class: "trouble" }, h("b", {}, "▲ "), `${one.name}: ${words.join(" ")} `,
      open.length ? `Not collected: ${open.map(([state, days]) => `${things(days, "app-day")} ${state}`).join(", ")}. ` : "",
      toCoverage(one))];
  });
}

export function daysTable(one, clock, midnight, onday) {
  const heads = ["Usage date", "Points of 288", "95th percentile", "Peak", `Peak at (${clock.name})`, "Mean", "Volume"];
  const cells = one.days.map((day) => [
    h("button", { class: "link", title: "Show this day", onclick: () => onday(midnight(day.usage_date), midnight(day.usage_date) + DAY) }, longDate(day.usage_date)),
    day.points_lacking_apps ? `${pointsOf(day)}, ${count(day.points_lacking_apps)} lack an app` : pointsOf(day),
    rate(day.p95_kbps), rate(day.peak_kbps), day.peak_at ? clock.time(Date.parse(day.peak_at)) : "–", rate(day.mean_kbps), bytes(day.volume_bytes),
  ]);
  return h("details", { id: `days-${one.number}` }, h("summary", {}, `Table of days: ${one.name}`),
    h("div", { class: "scroll" }, table("Usage dates are the vendor's. Without points there is no figure: absent is not zero.", heads, cells, { class: "plain days" })));
}

// The points of a window that is short enough to be read.
export function pointsTable(series, shown, clock) {
  if (shown.length > DAY) return null;
  const first = series[0];
  const instants = [];
  for (let instant = shown.from; instant < shown.to; instant += first.step) instants.push(instant);
  const cell = (one, instant) => {
    const slot = (instant - one.from) / one.step;
    const kbps = one.kbps[slot] ?? null;
    if (kbps === null) return one.isAbsent(slot) ? "absent" : "–";
    return one.lacks(slot) ? `▲ ${rate(kbps)}, lacks ${things(one.absent_apps[slot], "app")}` : rate(kbps);
  };
  return table(`Five-minute points that start at the time given (${clock.name})`, ["Start", ...series.map((one) => one.name)],
    instants.map((instant) => [clock.time(instant), ...series.map((one) => cell(one, instant))]), { class: "plain" });
}

// A range of dates in few words.
export function rangeOf(from, to) {
  const parts = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat("en-GB", parts).formatRange(new Date(from), new Date(to));
}
