// The bar below the grid: the selected app-days, buttons to collect them, and the progress of triggered runs. To
// collect, the page triggers a DAG run through Airflow's API as the logged-in user.
import { airflowRoot } from "../frame/api.js";
import { isRequestable } from "../frame/app_day_states.js";
import { h, replaceIfChanged } from "../frame/dom.js";
import { formatCount, formatDate, formatInteger, plainNote } from "../frame/format.js";
import { dismiss, isActive, isBeingCollected, trigger, triggeredRuns } from "./triggered_runs.js";

export class CollectBar {
  // `rights`: the response from the route `rights`. `onfocuslost`: called when the focused element is removed.
  constructor(rights, onfocuslost) {
    Object.assign(this, { rights, onfocuslost, days: [] });
    this.selection = h("div", { class: "selection", "aria-live": "polite" });
    this.runs = h("div", { class: "triggered-runs", role: "status" });
    this.element = h("aside", { class: "collect", "aria-label": "Collect" }, this.selection, this.runs);
  }

  select(days) {
    this.days = days;
    this.update();
  }

  update() {
    const hadFocus = [
      replaceIfChanged(this.selection, this.days.length ? [h("p", {}, this.summary()), ...this.buttons(this.days)] : []),
      replaceIfChanged(this.runs, triggeredRuns().map((run) => this.progress(run))),
    ].some(Boolean);
    if (hadFocus) this.onfocuslost();
  }

  summary() {
    const { days } = this;
    if (days.length === 1) return days[0].description;
    const collected = days.filter(isCollected).length;
    const missing = days.filter(isMissing).length;
    const lost = days.filter((day) => day.state === "lost").length;
    const expired = days.length - collected - missing - lost;
    const sameResponse = days.filter((day) => day.same_response_as.length).length;
    return [
      `${formatCount(days.length, "app-day")} of ${formatCount(appsOf(days).length, "app")} selected: ${formatInteger(collected)} collected`,
      `${formatInteger(missing)} missing`,
      lost ? `${formatInteger(lost)} lost` : null,
      expired ? `${formatInteger(expired)} incomplete and outside the vendor window` : null,
      sameResponse ? `${formatInteger(sameResponse)} with the same response as another app` : null,
    ].filter(Boolean).join(", ");
  }

  // Buttons that collect the given days, or the reason why the days cannot be collected.
  buttons(days) {
    if (!this.rights.may_collect) {
      return [mutedText(`You cannot collect these days, because you do not have the right to trigger ${this.rights.backfill_dag_id}.`)];
    }
    if (days.some(isBeingCollected)) return [mutedText("A run is already collecting these days.")];
    const missing = days.filter(isMissing);
    const requestable = days.filter(isRequestable);
    if (!requestable.length) return [mutedText(`These days are outside the vendor window. To request them anyway, trigger ${this.rights.backfill_dag_id} in Airflow.`)];
    return [
      missing.length ? h("button", { class: "main", onclick: () => this.collect(missing, false) }, `Collect ${formatInteger(missing.length)} missing`) : null,
      requestable.some(isCollected) ? h("button", { onclick: () => this.reload(requestable) }, `Reload ${formatInteger(requestable.length)}…`) : null,
    ];
  }

  reload(days) {
    const dialog = h("dialog", { "aria-labelledby": "reload-question" },
      h("h2", { id: "reload-question" }, `Request ${formatCount(days.filter(isCollected).length, "collected day")} again?`),
      h("p", {}, "Each day costs one request. A response with changed or additional points replaces the stored day, and Health lists the change. A response that only lacks points changes nothing."),
      h("form", { method: "dialog" }, h("menu", {},
        h("button", { value: "" }, "Cancel"),
        h("button", { class: "main", value: "reload" }, `Reload ${formatCount(days.length, "app-day")}`))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "reload") this.collect(days, true);
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  collect(days, reload) {
    const dates = days.map((day) => day.usage_date).sort();
    trigger(this.rights.backfill_dag_id, { from_date: dates[0], to_date: dates.at(-1), app_ids: appsOf(days), reload });
  }

  progress(run) {
    const element = h("div", { class: "run" }, `${progressText(run)} `);
    if (run.run_id) {
      const address = `${airflowRoot}/dags/${run.dag_id}/runs/${encodeURIComponent(run.run_id)}`;
      element.append(h("a", { href: address, "data-outside": true }, "Open the run"), " ");
    }
    if (!isActive(run) || run.error) element.append(h("button", { onclick: () => dismiss(run) }, "Close"));
    if (run.note && !isActive(run)) element.append(mutedText(plainNote(run.note)));
    return element;
  }
}

function progressText({ dag_id: dagId, conf, state, error, is_paused: isPaused }) {
  const { from_date: from, to_date: to, app_ids: apps } = conf;
  const days = `${formatCount(apps.length, "app")}, ${from === to ? formatDate(from) : `${formatDate(from)} to ${formatDate(to)}`}`;
  if (state === "triggering") return `Triggering a run for ${days}…`;
  if (state === "not triggered") return `The run for ${days} was not triggered. ${error}`;
  if (error) return `The run for ${days} was triggered, but its state is unknown. The page will check again. ${error}`;
  if (isPaused) return `Collecting ${days}: the run is queued, but ${dagId} is paused. Unpause the DAG in Airflow.`;
  return `Collecting ${days}: ${state}.`;
}

const mutedText = (text) => h("p", { class: "muted" }, text);
const appsOf = (days) => [...new Set(days.map((day) => day.app.app_id))];
const isCollected = (day) => day.state === "collected";
const isMissing = (day) => !isCollected(day) && isRequestable(day);
