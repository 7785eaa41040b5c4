// The bar under the heat map: what is chosen, collecting it, which is a run of Airflow's DAG triggered in Airflow's
// own API by the user who is logged in, and how such runs go.
import { airflowRoot } from "../frame/api.js";
import { h } from "../frame/dom.js";
import { count, longDate, plainNote, things } from "../frame/format.js";
import { dismiss, followed, isBeingCollected, isUnderWay, trigger } from "./following.js";
import { isRequestable } from "../frame/states.js";
import { renew } from "./renew.js";

export class CollectBar {
  // `rights`: as the route rights gives them. `onfocuslost`: called when what was focused here has gone.
  constructor(rights, onfocuslost) {
    Object.assign(this, { rights, onfocuslost, days: [] });
    this.choice = h("div", { class: "choice", "aria-live": "polite" });
    this.runs = h("div", { class: "followed", role: "status" });
    this.element = h("aside", { class: "collect", "aria-label": "Collect" }, this.choice, this.runs);
  }

  offer(days) {
    this.days = days;
    this.tell();
  }

  tell() {
    const hadFocus = [
      renew(this.choice, this.days.length ? [h("p", {}, this.words()), ...this.buttons()] : []),
      renew(this.runs, followed().map((run) => this.describe(run))),
    ].some(Boolean);
    if (hadFocus) this.onfocuslost();
  }

  words() {
    const { days } = this;
    if (days.length === 1) return days[0].words;
    const collected = days.filter(isCollected).length;
    const missing = days.filter(isMissing).length;
    const lost = days.filter((day) => day.state === "lost").length;
    const gone = days.length - collected - missing - lost;
    const same = days.filter((day) => day.same_response_as.length).length;
    return [
      `${things(days.length, "app-day")} of ${things(appsOf(days).length, "app")} chosen: ${count(collected)} collected`,
      `${count(missing)} missing`,
      lost ? `${count(lost)} lost` : null,
      gone ? `${count(gone)} incomplete and out of the vendor's window` : null,
      same ? `${count(same)} with the same response as another app` : null,
    ].filter(Boolean).join(", ");
  }

  buttons() {
    if (!this.rights.may_collect) {
      return [quiet(`To collect, your login needs Airflow's right to trigger ${this.rights.backfill_dag_id}.`)];
    }
    if (this.days.some(isBeingCollected)) return [quiet("A run collects this at the moment.")];
    const missing = this.days.filter(isMissing).length;
    const shown = this.days.filter(isRequestable);
    if (!shown.length) return [quiet(`By the calendar, the vendor no longer shows what is chosen. To request it anyway, trigger ${this.rights.backfill_dag_id} in Airflow.`)];
    return [
      missing ? h("button", { class: "main", onclick: () => this.collect(this.days.filter(isMissing), false) }, `Collect ${count(missing)} missing`) : null,
      shown.some(isCollected) ? h("button", { onclick: () => this.reload() }, `Reload ${count(shown.length)}…`) : null,
    ];
  }

  reload() {
    const days = this.days.filter(isRequestable);
    const dialog = h("dialog", { "aria-labelledby": "reload-question" },
      h("h2", { id: "reload-question" }, `Request ${things(days.filter(isCollected).length, "collected day")} again?`),
      h("p", {}, "Each day costs a request. A response that contradicts a stored point, or has more points, replaces the day; the change is listed on Health. A response that only lacks points changes nothing."),
      h("form", { method: "dialog" }, h("menu", {},
        h("button", { value: "" }, "Cancel"),
        h("button", { class: "main", value: "reload" }, `Reload ${things(days.length, "app-day")}`))));
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

  describe(run) {
    const words = h("div", { class: "run" }, `${wordsOf(run)} `);
    if (run.run_id) {
      const address = `${airflowRoot}/dags/${run.dag_id}/runs/${encodeURIComponent(run.run_id)}`;
      words.append(h("a", { href: address, "data-outside": true }, "Open the run"), " ");
    }
    if (!isUnderWay(run) || run.trouble) words.append(h("button", { onclick: () => dismiss(run) }, "Close"));
    if (run.note && !isUnderWay(run)) words.append(quiet(plainNote(run.note)));
    return words;
  }
}

function wordsOf({ dag_id: dagId, conf, state, trouble, is_paused: isPaused }) {
  const { from_date: from, to_date: to, app_ids: apps } = conf;
  const what = `${things(apps.length, "app")}, ${from === to ? longDate(from) : `${longDate(from)} to ${longDate(to)}`}`;
  if (state === "triggering") return `Triggering the run for ${what} …`;
  if (state === "refused") return `The run for ${what} could not be triggered: ${trouble}`;
  if (trouble) return `The run for ${what} was triggered, but how it goes cannot be seen; this is tried again. ${trouble}`;
  if (isPaused) return `Collecting ${what}: queued, but ${dagId} is paused: unpause it in Airflow.`;
  return `Collecting ${what}: ${state}.`;
}

const quiet = (words) => h("p", { class: "quiet" }, words);
const appsOf = (days) => [...new Set(days.map((day) => day.app.app_id))];
const isCollected = (day) => day.state === "collected";
const isMissing = (day) => !isCollected(day) && isRequestable(day);
