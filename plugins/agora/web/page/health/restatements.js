// Days that the vendor changed later. One whose sum fell by more than half looks like an outage at the vendor: such
// days are named on top until a person marks them as reviewed.
import { write } from "../frame/api.js";
import { h } from "../frame/dom.js";
import { count, longDate, rate, things } from "../frame/format.js";
import { at } from "./times.js";

// `onreview`: called when they were marked as reviewed.
export function dropsToReview(health, rights, onreview) {
  const all = health.drops_to_review;
  if (!all) return null;
  const trouble = h("span", { role: "alert" });
  const button = h("button", { id: "review", onclick: () => review(health, button, trouble, onreview) }, "Mark as reviewed");
  return h("div", { class: "verdict soon" },
    h("p", {}, h("b", {}, "▼ "), `The vendor restated ${things(all, "app-day")} to less than half, as an outage at the vendor would. The new figures are stored. `,
      h("a", { href: "#health", onclick: lookAtThem }, all === 1 ? "Look at it" : "Look at them"), rights.may_review ? ", then mark " : ". ",
      rights.may_review ? `${all === 1 ? "it" : "them"} as reviewed.` : h("span", { class: "quiet" }, `To mark ${all === 1 ? "it" : "them"} as reviewed, your login needs Airflow's right to edit ${rights.nightly_dag_id}.`)),
    rights.may_review && h("p", { class: "actions" }, button, trouble));
}

async function review({ newest_drop_at: until }, button, trouble, onreview) {
  button.disabled = true;
  trouble.textContent = "";
  try {
    await write("restatements/review", { until });
    await onreview();
  } catch (error) {
    trouble.textContent = error.message;
  }
  button.disabled = false;
}

function lookAtThem(event) {
  event.preventDefault();
  const heading = document.getElementById("restatements");
  heading.scrollIntoView({ block: "start" });
  heading.focus({ preventScroll: true });
}

export function restatementsTable({ restatements: days, restatements_in_all: all }) {
  if (!days.length) return h("p", {}, "None in the last 31 days.");
  const heads = ["App", "Usage date", "Replaced at", "Points", "Mean", "Remark", "Reviewed"];
  const caption = all > days.length ? `${count(days.length)} of ${count(all)}: drops to review first, then the newest` : "In the last 31 days, and drops to review of any age";
  return h("div", { class: "scroll restated" }, h("table", { class: "plain" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, days.map(row))));
}

function row(day) {
  const isOpen = day.is_drop && !day.reviewed_at;
  return h("tr", { class: isOpen ? "failing" : null },
    h("th", { scope: "row" }, day.app_name),
    h("td", {}, longDate(day.usage_date)),
    h("td", {}, at(day.restated_at)),
    h("td", {}, `${count(day.points_changed)} changed`, h("small", {}, `${count(day.points_added)} added`)),
    h("td", {}, means(day)),
    h("td", { class: "state" }, remarks(day)),
    h("td", {}, day.reviewed_at ? `by ${day.reviewed_by}, ${at(day.reviewed_at)}` : day.is_drop ? "not yet" : "–"));
}

// Not known of restatements of release 1.0.0.
function means({ old_mean_kbps: before, new_mean_kbps: now }) {
  return before === null || now === null ? "–" : `${rate(before)} → ${rate(now)}`;
}

function remarks({ is_drop: isDrop, moved_by_seconds: seconds }) {
  const all = [
    isDrop && [h("b", { "aria-hidden": "true" }, "▼ "), "fell to less than half"],
    seconds && `time zone corrected: the day starts ${span(Math.abs(seconds))} ${seconds < 0 ? "earlier" : "later"}`,
  ].filter(Boolean);
  return all.map((remark) => h("div", {}, remark));
}

function span(seconds) {
  const minutes = Math.round(seconds / 60);
  return [minutes >= 60 && `${Math.floor(minutes / 60)} h`, minutes % 60 && `${minutes % 60} min`].filter(Boolean).join(" ");
}
