// Formats numbers, dates, rates and counts for display. Rates are in kbps (1,000 bits per second).

// Formatters are created once, because creating one per number would slow down long tables.
const integer = new Intl.NumberFormat("en");
const fourDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const exactlyFourDigits = new Intl.NumberFormat("en", { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });
const threeDecimals = new Intl.NumberFormat("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const twoDecimals = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const twoDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const compact = new Intl.NumberFormat("en", { notation: "compact" });
const time = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const dateRange = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const RATE_UNITS = [[1e9, "Tbps"], [1e6, "Gbps"], [1e3, "Mbps"], [1, "kbps"]];
const BYTE_UNITS = [[1e21, "ZB"], [1e18, "EB"], [1e15, "PB"], [1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "bytes"]];

export const formatInteger = (number) => integer.format(number);
export const formatCompact = (number) => compact.format(number);

// Four digits align the numbers in a column. Small integers are not padded.
export const formatDigits = (number) => (Number.isInteger(number) && number < 1000 ? fourDigits : exactlyFourDigits).format(number);

// A count with its noun: 1 app-day, 2 app-days, 1,234 app-days.
export function formatCount(number, noun, plural = `${noun}s`) {
  return `${formatInteger(number)} ${number === 1 ? noun : plural}`;
}

// Up to `most` names, followed by the number of remaining names.
export function formatNames(names, most) {
  const further = names.length - most;
  return names.slice(0, most).join(", ") + (further > 0 ? ` and ${formatInteger(further)} more` : "");
}

// The best unit for a rate, as the unit's size in kbps and its name.
export function rateUnit(kbps) {
  return RATE_UNITS.find(([size]) => Math.abs(kbps) >= size) ?? RATE_UNITS.at(-1);
}

// The best unit for a number of bytes, as the unit's size and its name.
export function byteUnit(number) {
  return BYTE_UNITS.find(([size]) => number >= size) ?? BYTE_UNITS.at(-1);
}

// A number for a column whose heading states the unit. Small numbers get two significant digits and do not become zero.
export function formatInUnit(number, [size]) {
  if (number === null || number === undefined) return "–";
  const scaled = number / size;
  return (scaled === 0 || Math.abs(scaled) >= 0.01 ? threeDecimals : twoDigits).format(scaled);
}

export function formatRate(kbps) {
  if (kbps === null || kbps === undefined) return "–";
  const [size, unit] = rateUnit(kbps);
  return `${formatDigits(kbps / size)} ${unit}`;
}

// An amount of money. It has two decimal places in every currency, as in SQL.
export function formatAmount(amount, currency) {
  return amount === null ? "–" : `${currency}\u00a0${twoDecimals.format(amount)}`;
}

export function formatBytes(number) {
  if (number === null || number === undefined) return "–";
  const [size, unit] = byteUnit(number);
  return `${formatDigits(number / size)} ${unit}`;
}

export function formatMonth(isoDate) {
  return new Date(`${isoDate}T00:00Z`).toLocaleDateString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
}

// For a heading that is too narrow for the full name and the year.
export function formatShortMonth(isoDate) {
  return new Date(`${isoDate}T00:00Z`).toLocaleDateString("en-GB", { month: "short", timeZone: "UTC" });
}

export function formatDate(isoDate) {
  return new Date(`${isoDate}T00:00Z`).toLocaleDateString("en-GB",
    { weekday: "short", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
}

export const formatDateRange = (from, to) => dateRange.formatRange(new Date(from), new Date(to));

// In the viewer's time zone.
export const formatTime = (iso) => (iso ? time.format(new Date(iso)) : "–");

export function formatDuration(from, to) {
  if (!from || !to) return "–";
  const seconds = Math.max(0, Math.round((new Date(to) - new Date(from)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
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

// Returns a run note as plain text. Notes are stored escaped, because Airflow renders them as Markdown.
export const plainNote = (note) => note?.replace(/\\([!-/:-@[-`{-~])/g, "$1").replaceAll("\u200b", "");
