// A series as the picture, the figures and the words need it: an app, or the sum of apps.
import { count, rate, things } from "../frame/format.js";

// A line is told apart by its colour and, in its marks and names, by a sign.
const SIGNS = [["circle", "●"], ["square", "■"], ["diamond", "◆"], ["cross", "✚"], ["triangle-down", "▼"], ["star", "★"]];

export class Series {
  constructor(answer, number) {
    Object.assign(this, answer);
    this.number = number;
    [this.symbol, this.sign] = SIGNS[number];
    this.colour = `--line-${number + 1}`;
    this.isSum = !answer.app_id;
    this.name = answer.app_name ?? `Sum of ${things(answer.apps, "app")}`;
    this.from = Date.parse(answer.interval_start);
    this.step = answer.interval_seconds * 1000;
    this.to = this.from + answer.kbps.length * this.step;
  }

  // The slots whose start lies in a window, as indices: first, end.
  slots({ from, to }) {
    const slot = (instant) => Math.min(Math.max(Math.ceil((instant - this.from) / this.step), 0), this.kbps.length);
    return [slot(from), slot(to)];
  }

  instant(slot) {
    return this.from + slot * this.step;
  }

  // A point without a neighbour, which a line alone would not show.
  isAlone(slot) {
    const there = (at) => typeof this.kbps[at] === "number";
    return there(slot) && !there(slot - 1) && !there(slot + 1);
  }

  // Expected and absent; where no app is expected, a point is neither absent nor there.
  isAbsent(slot) {
    return this.kbps[slot] === null && this.absent_apps[slot] > 0;
  }

  // Too low, as some of the apps are absent.
  lacks(slot) {
    return typeof this.kbps[slot] === "number" && this.absent_apps[slot] > 0;
  }

  // What a window shows, in words.
  told(shown, clock) {
    const [first, end] = this.slots(shown);
    let [points, absent, lacking, peak] = [0, 0, 0, -1];
    for (let slot = first; slot < end; slot += 1) {
      if (this.isAbsent(slot)) absent += 1;
      if (this.kbps[slot] === null) continue;
      points += 1;
      if (this.lacks(slot)) lacking += 1;
      if (peak < 0 || this.kbps[slot] > this.kbps[peak]) peak = slot;
    }
    if (!points) return `${this.name}: no points${absent ? `, ${count(absent)} absent` : ""}.`;
    return `${this.name}: ${things(points, "point")}, ${absent ? `${count(absent)} absent` : "none absent"}${
      lacking ? `, ${count(lacking)} lacking an app` : ""}; highest ${rate(this.kbps[peak])} on ${clock.time(this.instant(peak))}.`;
  }
}
