// The last runs: what the warehouse says they did, and what Airflow says became of them.
import { airflow, airflowRoot } from "../frame/api.js";
import { h } from "../frame/dom.js";
import { count } from "../frame/format.js";
import { at, took } from "./times.js";

const DAGS = ["daily", "backfill", "watch", "replay", "retention"].map((name) => `agora_bandwidth_${name}`);
const MOST_RUNS = 30;
const STATES = {
  success: ["✓", "succeeded"], failed: ["✕", "failed"], running: ["▶", "running"], queued: ["…", "queued"],
};
const FIGURES = {
  app_days: "App-days", app_days_changed: "Changed", points: "Points", requests: "Requests", retries: "Retries",
  limited: "429s", failed_apps: "Failed apps",
};

// `rows`: runs of both, newest first. `ended`: the last run of each DAG that ended, the last of all first; many newer
// ones may wait or go on. Without Airflow's lists, those of the warehouse and a word about it.
export async function lastRuns(recorded) {
  const of = new Map(recorded.map((run) => [key(run), run]));
  const rest = (words) => [...of.values()].map((run) => ({ ...run, figures: run, sign: "–", words }));
  let lists;
  try {
    lists = await Promise.all([newestRuns(), ...DAGS.map(lastEnded)]);
  } catch (error) {
    const rows = rest("ended");
    return { rows: rows.toSorted(by("started_at")), ended: rows.toSorted(by("ended_at")), trouble: `Airflow's own list of runs cannot be shown. ${error.message}` };
  }
  const [rows, ...ended] = lists.map((runs) => runs.map((run) => rowOf(run, of)));
  for (const run of rows) of.delete(key(run));
  // Where Airflow has more than it listed, the others may be among those.
  const others = rest(rows.length < MOST_RUNS ? "ended, not in Airflow's list" : "ended");
  return { rows: [...rows, ...others].sort(by("started_at")).slice(0, MOST_RUNS), ended: ended.flat().sort(by("ended_at")), trouble: null };
}

async function listed(body) {
  return (await airflow("POST", "dags/~/dagRuns/list", body)).dag_runs;
}

const newestRuns = () => listed({ dag_ids: DAGS, order_by: "-run_after", page_limit: MOST_RUNS });
const lastEnded = (dag) => listed({ dag_ids: [dag], states: ["success", "failed"], order_by: "-end_date", page_limit: 1 });

function rowOf(run, recorded) {
  const did = recorded.get(key({ ...run, run_id: run.dag_run_id }));
  const [sign, words] = STATES[run.state] ?? ["–", run.state];
  return {
    ...did, dag_id: run.dag_id, run_id: run.dag_run_id, sign, words, note: run.note,
    started_at: run.start_date ?? run.run_after, ended_at: run.end_date, figures: did,
  };
}

const by = (instant) => (one, other) => new Date(other[instant]) - new Date(one[instant]);
const key = ({ dag_id: dagId, run_id: runId }) => `${dagId} ${runId}`;

// Each DAG whose last ended run failed, with what the run's note says.
export function failures(ended) {
  return ended.filter((run) => run.sign === "✕").map((run) => h("p", { class: "verdict soon" },
    h("b", {}, "✕ "), `The last run of ${run.dag_id} failed, ${at(run.ended_at)}. `, run.note ? `${run.note} ` : "",
    linkTo(run, "See the run in Airflow")));
}

export function runsTable({ rows, trouble }) {
  const told = trouble && h("p", { class: "trouble" }, trouble);
  if (!rows.length) return h("div", {}, told, h("p", { class: "empty" }, "No run yet. Trigger the DAG agora_bandwidth_daily, or wait for the night's run."));
  return h("div", {}, told, h("div", { class: "scroll runs", tabindex: 0, role: "region", "aria-label": "Last runs" },
    h("table", { class: "plain" },
      h("caption", {}, "Figures are of collecting runs that ended; the note says the rest"),
      h("thead", {}, h("tr", {}, ["State", "Run", "Started", "Took"].map((head) => h("th", { scope: "col" }, head)),
        Object.values(FIGURES).map((head) => h("th", { scope: "col", class: "number" }, head)), h("th", { scope: "col" }, "Note"))),
      h("tbody", {}, rows.map(row)))));
}

function row(run) {
  return h("tr", { class: run.sign === "✕" ? "failing" : null },
    h("td", { class: "state" }, h("b", { "aria-hidden": "true" }, `${run.sign} `), run.words),
    h("th", { scope: "row" }, linkTo(run, run.dag_id), h("small", {}, run.run_id)),
    h("td", {}, at(run.started_at)),
    h("td", {}, took(run.started_at, run.ended_at)),
    Object.keys(FIGURES).map((name) => h("td", { class: "number" }, run.figures ? count(run.figures[name]) : "–")),
    h("td", { class: "note" }, run.note && h("div", { title: run.note }, run.note.replace(/^Result: /, ""))));
}

function linkTo(run, label) {
  return h("a", { href: `${airflowRoot}/dags/${run.dag_id}/runs/${encodeURIComponent(run.run_id)}`, "data-outside": true }, label);
}
