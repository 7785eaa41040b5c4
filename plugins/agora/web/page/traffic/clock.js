// Times in a time zone. Plotly does not support time zones, so each chart has one UTC offset, shown on its axis.

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const VIEWER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function offset(timeZone, instant) {
  const parts = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" }).formatToParts(instant);
  const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/.exec(parts.find((part) => part.type === "timeZoneName").value) ?? ["", "+", 0, 0];
  return (sign === "-" ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
}

export class Clock {
  // Uses the offset at the end of the range. If the clocks change within the range, the times before the change differ
  // from wall-clock time.
  constructor(timeZone, from, to) {
    Object.assign(this, { timeZone, from, to, offset: offset(timeZone, to - 1) });
  }

  // The days in the range on which the clocks of the zone change.
  changes() {
    const isChange = (from, to) => offset(this.timeZone, from) !== offset(this.timeZone, to);
    const days = [];
    for (let day = this.from; day < this.to; day += DAY) {
      let hour = day;
      if (!isChange(day, day + DAY)) continue;
      while (!isChange(hour, hour + HOUR)) hour += HOUR;
      if (hour + HOUR < this.to) days.push(this.day(hour + HOUR));
    }
    return days;
  }

  get name() {
    const minutes = Math.abs(this.offset) / MINUTE;
    const twoDigits = (number) => String(Math.floor(number)).padStart(2, "0");
    return `UTC${this.offset < 0 ? "-" : "+"}${twoDigits(minutes / 60)}:${twoDigits(minutes % 60)}`;
  }

  // Local time without a zone, as Plotly expects it.
  localTime(instant) {
    return new Date(instant + this.offset).toISOString().slice(0, 19).replace("T", " ");
  }

  instant(localTime) {
    const [date, time = "00:00"] = String(localTime).split(" ");
    return Date.parse(`${date}T${time}Z`) - this.offset;
  }

  // The start of a date.
  midnight(isoDate) {
    return Date.parse(`${isoDate}T00:00Z`) - this.offset;
  }

  time(instant) {
    return this.#format(instant, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  }

  day(instant) {
    return this.#format(instant, { day: "numeric", month: "short", year: "numeric" });
  }

  #format(instant, parts) {
    return new Date(instant + this.offset).toLocaleString("en-GB", { ...parts, timeZone: "UTC" });
  }
}

// The zones to choose from: the vendor accounts' zones and the viewer's zone.
export function zones(accounts, from, to) {
  const vendorZones = [...new Set(accounts.map((account) => account.timezone))];
  const accountsIn = (zone) => accounts.filter((account) => account.timezone === zone).map((account) => account.conn_id);
  const options = vendorZones.map((zone) => [zone, `Vendor (${new Clock(zone, from, to).name}, account ${accountsIn(zone).join(", ")})`]);
  return Object.fromEntries([...options, ["mine", `My time zone (${VIEWER_ZONE}, ${new Clock(VIEWER_ZONE, from, to).name})`]]);
}
