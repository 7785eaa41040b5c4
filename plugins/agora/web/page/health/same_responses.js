// Days on which the vendor gave several apps the same response body, with traffic in it.
import { h, table } from "../frame/dom.js";
import { count, longDate } from "../frame/format.js";

const MOST_NAMED = 10;

export function sameResponses({ same_responses: days, same_responses_in_all: all }) {
  if (!days.length) return h("p", {}, "None in the vendor's window.");
  const rows = days.map(({ usage_date: date, app_names: names }) => [longDate(date), count(names.length), named(names)]);
  const caption = all > days.length ? `The ${count(days.length)} newest of ${count(all)}` : "In the vendor's window";
  return h("div", {},
    h("p", {}, "The figures are stored. If the traffic of these apps cannot be the same, report it to the vendor. ", h("a", { href: "#coverage" }, "Coverage"), " marks these days with “=”."),
    h("div", { class: "scroll same-responses" }, table(caption, ["Usage date", "Apps", "Given the same response"], rows, { class: "plain" })));
}

function named(names) {
  const more = names.length - MOST_NAMED;
  return names.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}
