// Determines which usage dates are loaded (at most 62) and which window is shown. Times are in milliseconds since 1970.
import { addDays } from "../frame/format.js";
import { DAY, HOUR, MINUTE } from "./clock.js";

const MAX_DAYS = 62;
const MONTH_DAYS = 31;
const MIN_LENGTH = 15 * MINUTE;
const STEP = 5 * MINUTE;
const LENGTHS = { Week: 7 * DAY, Day: DAY, Hour: HOUR };
// The address parameters for a window that shows the whole loaded range.
export const WHOLE_RANGE = { at: null, minutes: null };

// The named ranges. `last`: the newest expected usage date.
export function presets(last) {
  const first = `${last.slice(0, 8)}01`;
  const before = addDays(first, -1);
  return {
    last: { label: `Last ${MONTH_DAYS} days`, from_date: addDays(last, 1 - MONTH_DAYS), to_date: last },
    this: { label: "This month", from_date: first, to_date: last },
    before: { label: "Last month", from_date: `${before.slice(0, 8)}01`, to_date: before },
    most: { label: `Last ${MAX_DAYS} days`, from_date: addDays(last, 1 - MAX_DAYS), to_date: last },
  };
}

// Moves the other end if the range would be empty or too long.
export function fitRange(from, to, changedEnd) {
  const isValid = from <= to && addDays(from, MAX_DAYS - 1) >= to;
  if (isValid) return { from_date: from, to_date: to };
  return changedEnd === "from" ? { from_date: from, to_date: addDays(from, MONTH_DAYS - 1) } : { from_date: addDays(to, 1 - MONTH_DAYS), to_date: to };
}

// The adjacent range of the same length, before or after.
export function adjacentRange(from, to, direction) {
  const days = Math.round((Date.parse(to) - Date.parse(from)) / DAY) + 1;
  return { from_date: addDays(from, direction * days), to_date: addDays(to, direction * days) };
}

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

  // Stays inside the range and keeps the length if possible.
  show(from, to) {
    const start = Math.floor(from / STEP) * STEP;
    const length = Math.min(Math.max(Math.ceil((to - start) / STEP) * STEP, MIN_LENGTH), this.range.to - this.range.from);
    this.from = Math.min(Math.max(start, this.range.from), this.range.to - length);
    this.to = this.from + length;
  }

  // Keeps the end of the window.
  setLength(length) {
    this.show(this.to - length, this.to);
  }

  // Returns false at the end of the loaded range.
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
    if (this.isWhole) return WHOLE_RANGE;
    return { at: new Date(this.from).toISOString(), minutes: this.length / MINUTE };
  }
}
