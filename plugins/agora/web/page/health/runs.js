// The last runs: what the warehouse says they did, and what Airflow says became of them.
import { airflow, airflowRoot } from "../frame/api.js";
import { h } from "../frame/dom.js";
import { count, plainNote, things } from "../frame/format.js";
import { STATES as APP_DAY_STATES } from "../frame/states.js";
import { at, took } from "./times.js";

const DAGS = ["daily", "backfill", "watch", "replay", "retention"].map((name) => `agora_bandwidth_${name}`);
const MOST_RUNS = 30;
const STATES = {
  success: ["✓", "succeeded"], failed: ["✕", "failed"], running: ["▶", "running"], queued: ["…", "queued"],
};
// Named as in the run's note.
const HEADS = ["State", "Run", "Started", "Took", "App-days", "Received", "Changed", "State now", "Requests", "Failed apps", "Note"];
const NUMBERS = ["App-days", "Received", "Changed", "Requests", "Failed apps"];
// Runs of release 1.0.0 did not record all figures.
const number = (figure) => (typeof figure === "number" ? count(figure) : "–");
const numberCell = (figure, ...more) => h("td", { class: "number" }, number(figure), more.filter(Boolean).map((words) => h("small", {}, words)));

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
    ...did, dag_id: run.dag_id, run_id: run.dag_run_id, sign, words, note: plainNote(run.note),
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
      h("caption", {}, "Figures of collecting runs that ended: the app-days planned, received and changed, and their state now"),
      h("thead", {}, h("tr", {}, HEADS.map((head) => h("th", { scope: "col", class: NUMBERS.includes(head) ? "number" : null }, head)))),
      h("tbody", {}, rows.map(row)))));
}

function row(run) {
  const did = run.figures;
  return h("tr", { class: run.sign === "✕" ? "failing" : null },
    h("td", { class: "state" }, h("b", { "aria-hidden": "true" }, `${run.sign} `), run.words),
    h("th", { scope: "row" }, linkTo(run, run.dag_id), h("small", {}, run.run_id)),
    h("td", {}, at(run.started_at)),
    h("td", {}, took(run.started_at, run.ended_at)),
    numberCell(did?.app_days),
    numberCell(did?.app_days_received, did && things(did.points_received, "point")),
    numberCell(did?.app_days_changed),
    h("td", { class: "states" }, statesOf(did)),
    numberCell(did?.requests, did && things(did.retries, "retry", "retries"), did && `${count(did.limited)} throttled`),
    numberCell(did?.failed_apps),
    h("td", { class: "note" }, noteOf(run)));
}

function statesOf(figures) {
  if (!figures) return "–";
  const counted = Object.keys(APP_DAY_STATES).filter((state) => figures[state]);
  return counted.map((state) => h("span", {}, `${count(figures[state])} ${state}`));
}

// Without Airflow's note, what failed.
function noteOf(run) {
  const note = run.note?.replace(/^Result: /, "") || run.problems;
  return note && h("div", { title: note }, note);
}

function linkTo(run, label) {
  return h("a", { href: `${airflowRoot}/dags/${run.dag_id}/runs/${encodeURIComponent(run.run_id)}`, "data-outside": true }, label);
}
