// Which usage dates are loaded: at most 62 days.
import { addDays } from "../frame/format.js";

const MOST_DAYS = 62;
const MONTH = 31;

// Ranges with a name; `last` is the newest expected usage date.
export function presets(last) {
  const first = `${last.slice(0, 8)}01`;
  const before = addDays(first, -1);
  return {
    last: { label: `last ${MONTH} days`, from_date: addDays(last, 1 - MONTH), to_date: last },
    this: { label: "this month", from_date: first, to_date: last },
    before: { label: "last month", from_date: `${before.slice(0, 8)}01`, to_date: before },
    most: { label: `last ${MOST_DAYS} days`, from_date: addDays(last, 1 - MOST_DAYS), to_date: last },
  };
}

// The other end follows where the range would be empty or too long.
export function fitted(from, to, moved) {
  const isRight = from <= to && addDays(from, MOST_DAYS - 1) >= to;
  if (isRight) return { from_date: from, to_date: to };
  return moved === "from" ? { from_date: from, to_date: addDays(from, MONTH - 1) } : { from_date: addDays(to, 1 - MONTH), to_date: to };
}

// As many days just before or after.
export function beside(from, to, direction) {
  const days = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1;
  return { from_date: addDays(from, direction * days), to_date: addDays(to, direction * days) };
}
