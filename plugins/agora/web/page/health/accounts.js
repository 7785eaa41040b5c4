// Each vendor account: its window as configured and as learned, its pace, and how fresh it is.
import { h, table } from "../frame/dom.js";
import { longDate, things } from "../frame/format.js";
import { at } from "./times.js";

export function accounts(all) {
  if (!all.length) return h("p", { class: "empty" }, "No account was asked yet.");
  const heads = ["Account", "Usage dates in", "Window", "Edge learned from answers", "Present pace", "Last answer", "Newest day collected"];
  const rows = all.map((account) => [
    h("span", {}, account.conn_id, h("small", {}, things(account.apps ?? 0, "app"))),
    account.timezone,
    windowWords(account.window_length),
    edge(account),
    account.requests_per_second === null ? "not asked yet" : `${account.requests_per_second.toLocaleString("en", { maximumSignificantDigits: 3 })} requests/s`,
    at(account.paced_at),
    account.newest_collected ? longDate(account.newest_collected) : "none",
  ]);
  return h("div", { class: "scroll" }, table("As Airflow's connections have them, and as the vendor answered", heads, rows, { class: "plain" }));
}

function windowWords(length) {
  return length.replace(/\bmon\b/, "month").replace(/\bmons\b/, "months");
}

function edge({ learned_on: on, oldest_served: served, newest_refused: refused, refusal }) {
  if (!on) return h("span", { class: "quiet" }, "not learned yet: no old day was refused");
  return h("span", {}, `served ${longDate(served)}, refused ${longDate(refused)}`,
    h("small", {}, `learned on ${longDate(on)}; the vendor's words: “${refusal}”`));
}
