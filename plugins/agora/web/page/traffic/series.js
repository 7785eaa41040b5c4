// One series in the chart, the figures and the tables: an app or a sum of apps.
import { formatCount, formatInteger, formatRate } from "../frame/format.js";

// In addition to its colour, each series has a sign.
const SIGNS = [["circle", "●"], ["square", "■"], ["diamond", "◆"], ["cross", "✚"], ["triangle-down", "▼"], ["star", "★"]];

export class Series {
  // `fields`: a series from the route `traffic`.
  constructor(fields, number) {
    Object.assign(this, fields);
    this.number = number;
    [this.symbol, this.sign] = SIGNS[number];
    this.colour = `--line-${number + 1}`;
    this.isSum = !fields.app_id;
    this.name = fields.app_name ?? `Sum of ${formatCount(fields.apps, "app")}`;
    this.from = Date.parse(fields.interval_start);
    this.step = fields.interval_seconds * 1000;
    this.to = this.from + fields.kbps.length * this.step;
  }

  // Returns the slots that start in a window, as the first index and the index after the last.
  slots({ from, to }) {
    const slot = (instant) => Math.min(Math.max(Math.ceil((instant - this.from) / this.step), 0), this.kbps.length);
    return [slot(from), slot(to)];
  }

  instant(slot) {
    return this.from + slot * this.step;
  }

  // Whether a point has no neighbours. A line does not show such a point.
  isIsolated(slot) {
    const hasPoint = (index) => typeof this.kbps[index] === "number";
    return hasPoint(slot) && !hasPoint(slot - 1) && !hasPoint(slot + 1);
  }

  // Whether an expected point is missing. Slots in which no app is expected are not missing.
  isMissing(slot) {
    return this.kbps[slot] === null && this.absent_apps[slot] > 0;
  }

  // Whether the sum is too low, because some apps have no point.
  isIncomplete(slot) {
    return typeof this.kbps[slot] === "number" && this.absent_apps[slot] > 0;
  }

  // Describes the points in a window.
  summary(shown, clock) {
    const [first, end] = this.slots(shown);
    let [points, missing, incomplete, peak] = [0, 0, 0, -1];
    for (let slot = first; slot < end; slot += 1) {
      if (this.isMissing(slot)) missing += 1;
      if (this.kbps[slot] === null) continue;
      points += 1;
      if (this.isIncomplete(slot)) incomplete += 1;
      if (peak < 0 || this.kbps[slot] > this.kbps[peak]) peak = slot;
    }
    if (!points) return `${this.name}: no points${missing ? `, ${formatInteger(missing)} missing` : ""}.`;
    return `${this.name}: ${formatCount(points, "point")}, ${missing ? `${formatInteger(missing)} missing` : "none missing"}${
      incomplete ? `, ${formatInteger(incomplete)} without every app` : ""}. Peak: ${formatRate(this.kbps[peak])} on ${clock.time(this.instant(peak))}.`;
  }
}
