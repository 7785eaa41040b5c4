// Times in a zone. The charts know no zones: a picture has one offset from UTC, and its axis names it.

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const MINE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function offset(timeZone, instant) {
  const parts = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" }).formatToParts(instant);
  const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/.exec(parts.find((part) => part.type === "timeZoneName").value) ?? ["", "+", 0, 0];
  return (sign === "-" ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
}

export class Clock {
  // The offset is that of the range's end; before a change of the clock it differs from what a wall clock showed.
  constructor(timeZone, from, to) {
    Object.assign(this, { timeZone, from, to, offset: offset(timeZone, to - 1) });
  }

  // The days within the range on which the zone's clocks change.
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
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    return `UTC${this.offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  }

  // As the charts take it: the wall's time, without a zone.
  wall(instant) {
    return new Date(instant + this.offset).toISOString().slice(0, 19).replace("T", " ");
  }

  instant(wall) {
    const [date, time = "00:00"] = String(wall).split(" ");
    return Date.parse(`${date}T${time}Z`) - this.offset;
  }

  // When a date begins.
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

// The zones to choose from: those of the vendor's accounts, and the viewer's own.
export function zones(accounts, from, to) {
  const vendors = [...new Set(accounts.map((account) => account.timezone))];
  const names = (zone) => accounts.filter((account) => account.timezone === zone).map((account) => account.conn_id);
  const named = vendors.map((zone) => [zone, `the vendor's (${new Clock(zone, from, to).name}, account ${names(zone).join(", ")})`]);
  return Object.fromEntries([...named, ["mine", `mine (${MINE}, ${new Clock(MINE, from, to).name})`]]);
}
