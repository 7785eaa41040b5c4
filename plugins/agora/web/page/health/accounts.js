// Each vendor account: its window, the newest day that was refused, its request rate, and its newest day.
import { h, table } from "../frame/dom.js";
import { longDate, things } from "../frame/format.js";
import { at } from "./times.js";

export function accounts(all) {
  if (!all.length) return h("p", { class: "empty" }, "No account is known yet.");
  const heads = ["Account", "Usage dates in", "Window", "Newest day refused", "Request rate", "Last response", "Newest day collected"];
  const rows = all.map((account) => [
    h("span", {}, account.conn_id, h("small", {}, things(account.apps ?? 0, "app"))),
    account.timezone,
    windowWords(account.window_length),
    refused(account),
    account.requests_per_second === null ? "no request yet" : `${account.requests_per_second.toLocaleString("en", { maximumSignificantDigits: 3 })} requests/s`,
    at(account.paced_at),
    account.newest_collected ? longDate(account.newest_collected) : "none",
  ]);
  return h("div", { class: "scroll" }, table("As Airflow's connections have them, and as the vendor responded", heads, rows, { class: "plain" }));
}

function windowWords(length) {
  return length.replace(/\bmon\b/, "month").replace(/\bmons\b/, "months");
}

function refused({ newest_refused: date, refusal }) {
  if (!date) return h("span", { class: "quiet" }, "none of the window");
  return h("span", {}, longDate(date), refusal && h("small", {}, refusal));
}
