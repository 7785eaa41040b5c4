// The bar under the heat map: what is chosen, and collecting it, which is a run of Airflow's DAG triggered in
// Airflow's own API by the user who is logged in.
import { airflow, airflowRoot } from "../frame/api.js";
import { h } from "../frame/dom.js";
import { count, longDate, things } from "../frame/format.js";

const POLL_MILLISECONDS = 1500;
const ENDED = ["success", "failed"];

export class CollectBar {
  // `rights`: as the route rights gives them. `oncollected`: called while a run goes on and when it has ended.
  constructor(rights, oncollected) {
    Object.assign(this, { rights, oncollected });
    this.choice = h("div", { class: "choice" });
    this.run = h("div", { class: "run", role: "status" });
    this.element = h("aside", { class: "collect", "aria-label": "Collect", hidden: true }, this.choice, this.run);
  }

  offer(days) {
    this.element.hidden = !days.length && !this.run.hasChildNodes();
    this.choice.replaceChildren(...(days.length ? this.describe(days) : []));
  }

  describe(days) {
    const missing = days.filter((day) => day.state !== "collected");
    const apps = new Set(days.map((day) => day.app.app_id)).size;
    const words = days.length === 1
      ? days[0].words
      : `${things(days.length, "app-day")} of ${things(apps, "app")} chosen: ${count(days.length - missing.length)} collected, ${count(missing.length)} missing`;
    return [h("p", {}, words), ...this.buttons(days, missing)];
  }

  buttons(days, missing) {
    if (!this.rights.may_collect) {
      return [h("p", { class: "quiet" }, `To collect, your login needs Airflow's right to trigger ${this.rights.backfill_dag_id}.`)];
    }
    const collected = days.length - missing.length;
    return [
      missing.length ? h("button", { class: "main", onclick: () => this.collect(missing, false) }, `Collect ${count(missing.length)} missing`) : null,
      collected ? h("button", { onclick: () => this.reload(days, collected) }, `Reload ${count(days.length)}…`) : null,
    ].filter(Boolean);
  }

  reload(days, collected) {
    const dialog = h("dialog", { "aria-labelledby": "reload-question" },
      h("h2", { id: "reload-question" }, `Ask again for ${things(collected, "day")} already collected?`),
      h("p", {}, "Each costs a request. A day is replaced only by a newer answer that is not less complete, and the change is noted as a restatement."),
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

  async collect(days, reload) {
    const dates = days.map((day) => day.usage_date).sort();
    const conf = {
      from_date: dates[0],
      to_date: dates.at(-1),
      app_ids: [...new Set(days.map((day) => day.app.app_id))],
      reload,
    };
    this.choice.replaceChildren();
    this.say("Triggering the run …");
    const { backfill_dag_id: dagId } = this.rights;
    try {
      const run = await airflow("POST", `dags/${dagId}/dagRuns`, { logical_date: null, conf });
      await this.follow(dagId, run.dag_run_id, `${things(conf.app_ids.length, "app")}, ${longDate(dates[0])} to ${longDate(dates.at(-1))}`);
    } catch (trouble) {
      this.say(trouble.message);
    }
  }

  async follow(dagId, runId, what) {
    const address = `${airflowRoot}/dags/${dagId}/runs/${encodeURIComponent(runId)}`;
    const link = () => h("a", { href: address, "data-outside": true }, "Open the run");
    const { is_paused: isPaused } = await airflow("GET", `dags/${dagId}`);
    for (;;) {
      const run = await airflow("GET", `dags/${dagId}/dagRuns/${encodeURIComponent(runId)}`);
      const words = run.state === "queued" && isPaused ? `queued, but ${dagId} is paused: unpause it in Airflow` : run.state;
      this.say(`Collecting ${what}: ${words}. `, link(), run.note && ENDED.includes(run.state) ? h("p", { class: "quiet" }, run.note) : null);
      await this.oncollected();
      if (ENDED.includes(run.state)) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }

  say(...words) {
    this.element.hidden = false;
    this.run.replaceChildren(...words.filter(Boolean));
  }
}
