// Which part of the loaded range is shown. Times are milliseconds since 1970.
import { DAY, HOUR, MINUTE } from "./clock.js";

const LEAST = 15 * MINUTE;
const STEP = 5 * MINUTE;
// In the address, the whole of what is loaded.
export const WHOLE = { at: null, minutes: null };
const LENGTHS = { Week: 7 * DAY, Day: DAY, Hour: HOUR };

export class Window {
  constructor(range, params) {
    this.range = range;
    const from = Date.parse(params.get("at"));
    const length = Number(params.get("minutes")) * MINUTE;
    if (from && length) this.show(from, from + length);
    else this.show(range.from, range.to);
  }

  get length() {
    return this.to - this.from;
  }

  get isWhole() {
    return this.from === this.range.from && this.to === this.range.to;
  }

  // Keeps the length if it can, and stays inside the range.
  show(from, to) {
    const start = Math.floor(from / STEP) * STEP;
    const length = Math.min(Math.max(Math.ceil((to - start) / STEP) * STEP, LEAST), this.range.to - this.range.from);
    this.from = Math.min(Math.max(start, this.range.from), this.range.to - length);
    this.to = this.from + length;
  }

  // A new length ends where the old one did.
  lengthen(length) {
    this.show(this.to - length, this.to);
  }

  // False if there is nothing more in the loaded range.
  move(direction) {
    const before = this.from;
    this.show(this.from + direction * this.length, this.to + direction * this.length);
    return this.from !== before;
  }

  // The lengths to choose from, with their names.
  get lengths() {
    const whole = this.range.to - this.range.from;
    const days = Math.round(whole / DAY);
    const shorter = Object.entries(LENGTHS).filter(([, length]) => length < whole);
    return [[days >= 28 && days <= 31 ? "Month" : `${days} days`, whole], ...shorter];
  }

  get state() {
    if (this.isWhole) return WHOLE;
    return { at: new Date(this.from).toISOString(), minutes: this.length / MINUTE };
  }
}
