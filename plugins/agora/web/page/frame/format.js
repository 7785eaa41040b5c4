// Numbers, dates and rates as people read them. Rates come in kbps (1,000 bits a second).

const whole = new Intl.NumberFormat("en");
const UNITS = [[1e9, "Tbps"], [1e6, "Gbps"], [1e3, "Mbps"], [1, "kbps"]];

// Made once: a formatter of their own for each number would slow long tables down.
const fourDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

export const count = (number) => whole.format(number);
const fourDigitsFilled = new Intl.NumberFormat("en", { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });
// Four digits, so that figures in a column are compared at a glance; small whole numbers stay as they are.
export const digits = (number) => (Number.isInteger(number) && number < 1000 ? fourDigits : fourDigitsFilled).format(number);

const compact = new Intl.NumberFormat("en", { notation: "compact" });
export const brief = (number) => compact.format(number);

export function things(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

// The unit in which a rate is best read, and its size in kbps.
export function unitFor(kbps) {
  return UNITS.find(([least]) => Math.abs(kbps) >= least) ?? UNITS.at(-1);
}

export function rate(kbps) {
  if (kbps === null || kbps === undefined) return "–";
  const [size, unit] = unitFor(kbps);
  return `${digits(kbps / size)} ${unit}`;
}

const SIZES = [[1e21, "ZB"], [1e18, "EB"], [1e15, "PB"], [1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "bytes"]];

export function bytes(number) {
  if (number === null || number === undefined) return "–";
  const [size, unit] = SIZES.find(([least]) => number >= least) ?? SIZES.at(-1);
  return `${digits(number / size)} ${unit}`;
}

export function monthOf(isoDate) {
  return new Date(`${isoDate}T00:00Z`).toLocaleDateString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
}

export function longDate(isoDate) {
  return new Date(`${isoDate}T00:00Z`).toLocaleDateString("en-GB",
    { weekday: "short", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
}

export function addDays(isoDate, days) {
  const date = new Date(`${isoDate}T00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

export function datesBetween(first, last) {
  const dates = [];
  for (let date = first; date <= last; date = addDays(date, 1)) dates.push(date);
  return dates;
}

// A run's note as text: notes are escaped for Airflow, which shows them as Markdown.
export const plainNote = (note) => note?.replace(/\\([!-/:-@[-`{-~])/g, "$1").replaceAll("\u200b", "");
