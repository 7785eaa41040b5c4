// Numbers, dates and rates as people read them. Rates come in kbps (1,000 bits a second).

const whole = new Intl.NumberFormat("en");
const UNITS = [[1e9, "Tbps"], [1e6, "Gbps"], [1e3, "Mbps"], [1, "kbps"]];

export const count = (number) => whole.format(number);

const compact = new Intl.NumberFormat("en", { notation: "compact" });
export const brief = (number) => compact.format(number);

export function things(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function rate(kbps) {
  if (kbps === null || kbps === undefined) return "–";
  const [size, unit] = UNITS.find(([least]) => Math.abs(kbps) >= least) ?? UNITS.at(-1);
  return `${(kbps / size).toLocaleString("en", { maximumSignificantDigits: 4 })} ${unit}`;
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
