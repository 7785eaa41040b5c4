// The strip above every view: the last and next nightly run, completeness, changes, the next days to expire, and a
// button that runs the nightly DAG. The strip polls, so that the views also reflect runs that were started elsewhere.
import { airflow, airflowRoot, read } from "../frame/api.js";
import { h, morph } from "../frame/dom.js";
import { formatCount, formatDate, formatDateRange, formatInteger, formatTime } from "../frame/format.js";

const POLL_MILLISECONDS = 15_000;
const POLL_MILLISECONDS_DURING_RUNS = 5_000;
const WARNING_DAYS = 3;
const OUTCOMES = { success: ["✓", "succeeded"], failed: ["✕", "failed"], running: ["▶", "running"], queued: ["…", "queued"] };
const CHANGES = ["collected", "restated", "lost", "failed"];

export class Strip {
  // `onchange`: called when the ledger or the runs have changed since the last poll.
  constructor(element, onchange) {
    Object.assign(this, { onchange, overview: null, rights: null });
    this.items = h("dl", {});
    this.button = h("button", { id: "run-now", class: "main", "aria-describedby": "run-now-reason", onclick: () => this.#run() });
    this.reason = h("span", { id: "run-now-reason", class: "muted" });
    this.errorText = h("p", { class: "error", role: "alert", hidden: true });
    this.action = h("div", { class: "action", hidden: true }, this.button, this.reason);
    element.append(this.items, this.action, this.errorText);
    document.addEventListener("visibilitychange", () => this.poll());
    document.addEventListener("triggered", () => this.poll());
  }

  // Reads the strip's figures and schedules the next read. A hidden page does not poll.
  async poll() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    try {
      this.rights ??= await read("rights");
      const fresh = await read("overview", { known: this.overview?.version });
      const isFirst = !this.overview;
      if (fresh.version !== this.overview?.version) {
        this.overview = fresh;
        this.#draw();
        if (!isFirst) this.onchange();
      }
      this.#showError("");
    } catch (error) {
      this.#showError(`The overview is not up to date. ${error.message}`);
    }
    clearTimeout(this.timer);
    const isRunning = this.overview?.active_runs.length > 0;
    this.timer = setTimeout(() => this.poll(), isRunning ? POLL_MILLISECONDS_DURING_RUNS : POLL_MILLISECONDS);
  }

  #draw() {
    morph(this.items, [lastRun(this.overview), nextRun(this.overview), completeness(this.overview), changes(this.overview), expiry(this.overview)]);
    const { missing } = this.overview;
    const reason = this.#reason();
    this.button.textContent = missing ? `Run now: collect ${formatInteger(missing)} missing` : "Run now";
    this.button.setAttribute("aria-disabled", String(Boolean(reason)));
    this.reason.textContent = reason;
    this.action.hidden = false;
  }

  // Why the button is inactive, or an empty string.
  #reason() {
    const { nightly, active_runs: runs } = this.overview;
    const dagId = this.rights.nightly_dag_id;
    if (!this.rights.may_run) return `You do not have the right to trigger ${dagId}.`;
    if (!nightly) return `Airflow has not loaded ${dagId}.`;
    if (nightly.is_paused) return `${dagId} is paused. Unpause it in Airflow.`;
    if (runs.some((run) => run.dag_id === dagId)) return "A nightly run is already active.";
    return "";
  }

  async #run() {
    if (this.#reason()) return;
    this.button.setAttribute("aria-disabled", "true");
    this.reason.textContent = "Triggering a run…";
    try {
      await airflow("POST", `dags/${this.rights.nightly_dag_id}/dagRuns`, { logical_date: null });
      await this.poll();
    } catch (error) {
      this.#draw();
      this.#showError(`The run was not triggered. ${error.message}`);
    }
  }

  #showError(text) {
    if (this.errorText.textContent !== text) this.errorText.textContent = text;
    this.errorText.hidden = !text;
  }
}

function item(label, value, detail, isWarning = false) {
  return h("div", { class: isWarning ? "warning" : null }, h("dt", {}, label), h("dd", {}, value, detail && h("small", {}, detail)));
}

function linkTo(run, label) {
  return h("a", { href: `${airflowRoot}/dags/${run.dag_id}/runs/${encodeURIComponent(run.run_id)}`, "data-outside": true }, label);
}

function outcome({ state }) {
  const [sign, label] = OUTCOMES[state] ?? ["–", state];
  return `${sign} ${label}`;
}

// Shows an active run of any DAG that collects, or else the last finished nightly run.
function lastRun({ last_run: last, active_runs: [active, ...others] }) {
  if (active) {
    const more = others.length ? `, and ${formatInteger(others.length)} more` : "";
    return item("Run", linkTo(active, outcome(active)), `${active.dag_id.replace("agora_bandwidth_", "")}${active.start_date ? ` since ${formatTime(active.start_date)}` : ""}${more}`);
  }
  if (!last) return item("Last run", "none yet");
  return item("Last run", linkTo(last, outcome(last)), formatTime(last.end_date), last.state === "failed");
}

function nextRun({ nightly }) {
  if (!nightly) return item("Next run", "unknown", "Airflow has not loaded the DAG", true);
  if (nightly.is_paused) return item("Next run", "none", "the DAG is paused", true);
  return item("Next run", formatTime(nightly.next_run_at), nightly.is_late ? "late, see Health" : null, nightly.is_late);
}

function completeness({ app_days: days, missing, complete_percent: percent }) {
  if (percent === null) return item("Vendor window", "–", "no expected days");
  const link = h("a", { href: "#coverage?sort=missing" }, `${percent.toFixed(percent === 100 ? 0 : 1)} % complete`);
  return item("Vendor window", link, missing ? `${formatInteger(missing)} of ${formatInteger(days)} missing` : `all ${formatCount(days, "app-day")}`);
}

function changes({ changed }) {
  const parts = CHANGES.filter((name) => changed[name]).map((name) => `${formatInteger(changed[name])} ${name === "lost" ? "newly lost" : name}`);
  return item("Last 24 hours", h("a", { href: "#health" }, parts[0] ?? "no changes"), parts.slice(1).join(", "), changed.lost + changed.failed > 0);
}

function expiry({ expiring: group }) {
  if (!group) return item("Expires next", "nothing", "every available day is collected");
  const { days_left: days, first_date: from, last_date: to } = group;
  const when = days < 0 ? "past the window" : days === 0 ? "today" : `in ${formatCount(days, "day")}`;
  const dates = from === to ? formatDate(from) : formatDateRange(from, to);
  const link = h("a", { href: `#coverage?from_date=${from}&to_date=${to}`, title: dates }, formatCount(group.app_days, "app-day"));
  return item("Expires next", link, `${when}, ${formatCount(group.apps, "app")}`, days <= WARNING_DAYS);
}
