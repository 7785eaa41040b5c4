// Suspicious responses: days that the vendor restated, and days on which several apps got the same response. A drop to
// less than half of a day's sum may be caused by an outage at the vendor. It stays at the top until a user reviews it.
import { dayAddress } from "../frame/address.js";
import { write } from "../frame/api.js";
import { h, table } from "../frame/dom.js";
import { formatCount, formatDate, formatInteger, formatNames, formatRate, formatTime } from "../frame/format.js";

const MAX_NAMES = 10;

export function dropsNotice(health, rights) {
  const drops = health.drops_to_review;
  if (!drops) return null;
  const pronoun = drops === 1 ? "this day" : "these days";
  return h("div", { class: "notice warning" },
    h("p", {}, h("b", {}, "▼ "), `The vendor restated ${formatCount(drops, "app-day")} to less than half, which may be caused by an outage at the vendor. The new figures are stored. `,
      h("a", { href: "#health", id: "view-restatements" }, `View ${pronoun}`), rights.may_review
        ? `, then mark ${pronoun} as reviewed.`
        : h("span", { class: "muted" }, `. You cannot mark ${pronoun} as reviewed, because you do not have the right to edit ${rights.nightly_dag_id}.`)),
    rights.may_review && h("p", { class: "actions" }, h("button", { id: "review" }, "Mark as reviewed"), h("span", { role: "alert" })));
}

// Marks the displayed drops as reviewed, and returns whether that succeeded. Shows an error beside the button.
export async function review({ newest_drop_at: until }, button) {
  const errorText = button.nextElementSibling;
  button.disabled = true;
  errorText.textContent = "";
  try {
    await write("restatements/review", { until });
    return true;
  } catch (error) {
    errorText.textContent = error.message;
    return false;
  } finally {
    button.disabled = false;
  }
}

export function restatementsTable({ restatements: days, restatements_in_all: total }) {
  if (!days.length) return h("p", {}, "There are no restatements in the last 31 days.");
  const headings = ["App", "Usage date", "Restated", "Points", "Mean", "Remark", "Reviewed"];
  const caption = total > days.length ? `${formatInteger(days.length)} of ${formatInteger(total)}: drops to review first, then the newest` : "Restatements of the last 31 days, and older drops to review";
  return h("div", { class: "scroll restatements" }, h("table", { class: "plain" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, headings.map((heading) => h("th", { scope: "col" }, heading)))),
    h("tbody", {}, days.map(restatementRow))));
}

function restatementRow(day) {
  const needsReview = day.is_drop && !day.reviewed_at;
  return h("tr", { class: needsReview ? "problem" : null },
    h("th", { scope: "row" }, day.app_name),
    h("td", {}, h("a", { href: dayAddress(day) }, formatDate(day.usage_date))),
    h("td", {}, formatTime(day.restated_at)),
    h("td", {}, `${formatInteger(day.points_changed)} changed`, h("small", {}, `${formatInteger(day.points_added)} added`)),
    h("td", {}, meansText(day)),
    h("td", { class: "state" }, remarks(day)),
    h("td", {}, day.reviewed_at ? `by ${day.reviewed_by}, ${formatTime(day.reviewed_at)}` : day.is_drop ? "not yet" : "–"));
}

// Release 1.0.0 did not record means.
function meansText({ old_mean_kbps: before, new_mean_kbps: now }) {
  return before === null || now === null ? "–" : `${formatRate(before)} → ${formatRate(now)}`;
}

function remarks({ is_drop: isDrop, moved_by_seconds: seconds }) {
  const parts = [
    isDrop && [h("b", { "aria-hidden": "true" }, "▼ "), "dropped to less than half"],
    seconds && `time zone corrected: the day starts ${hoursAndMinutes(Math.abs(seconds))} ${seconds < 0 ? "earlier" : "later"}`,
  ].filter(Boolean);
  return parts.map((part) => h("div", {}, part));
}

function hoursAndMinutes(seconds) {
  const minutes = Math.round(seconds / 60);
  return [minutes >= 60 && `${Math.floor(minutes / 60)} h`, minutes % 60 && `${minutes % 60} min`].filter(Boolean).join(" ");
}

export function sameResponsesTable({ same_responses: days, same_responses_in_all: total }) {
  if (!days.length) return h("p", {}, "There are no such days in the vendor window.");
  const rows = days.map(({ usage_date: date, app_names: names }) => [formatDate(date), formatInteger(names.length), formatNames(names, MAX_NAMES)]);
  const caption = total > days.length ? `The ${formatInteger(days.length)} newest of ${formatInteger(total)}` : "Days in the vendor window";
  return h("div", {},
    h("p", {}, "The figures are stored. If these apps cannot have the same traffic, report the days to the vendor. ", h("a", { href: "#coverage" }, "Coverage"), " marks these days with “=”."),
    h("div", { class: "scroll same-responses" }, table(caption, ["Usage date", "Number of apps", "Apps with the same response"], rows, { class: "plain" })));
}
