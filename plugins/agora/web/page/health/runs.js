// The last runs, from the warehouse's records and Airflow's run states, and the next run of each scheduled DAG.
import { airflow, airflowRoot } from "../frame/api.js";
import { STATES as APP_DAY_STATES } from "../frame/app_day_states.js";
import { h } from "../frame/dom.js";
import { formatCount, formatDuration, formatInteger, formatTime, plainNote } from "../frame/format.js";

const DAGS = ["daily", "backfill", "watch", "replay", "retention"].map((name) => `agora_bandwidth_${name}`);
const MAX_RUNS = 30;
const RUN_STATES = {
  success: ["✓", "succeeded"], failed: ["✕", "failed"], running: ["▶", "running"], queued: ["…", "queued"],
};
// The same names as in run notes.
const HEADINGS = ["State", "Run", "Started", "Duration", "App-days", "Received", "Changed", "State now", "Requests", "Failed apps", "Note"];
const NUMBERS = ["App-days", "Received", "Changed", "Requests", "Failed apps"];

// Returns `rows` (the runs, newest first), `ended` (the last ended run of each DAG, newest first) and `error`. If
// Airflow's list of runs is unavailable, the rows come only from the warehouse.
export async function lastRuns(recordedRuns) {
  const recorded = new Map(recordedRuns.map((run) => [key(run), run]));
  const recordedRows = (label) => [...recorded.values()].map((run) => ({ ...run, figures: run, sign: "–", label }));
  let lists;
  try {
    lists = await Promise.all([newestRuns(), ...DAGS.map(lastEndedRun)]);
  } catch (error) {
    const rows = recordedRows("ended");
    return { rows: rows.toSorted(newestFirst("started_at")), ended: rows.toSorted(newestFirst("ended_at")), error: `Airflow's list of runs is unavailable. ${error.message}` };
  }
  const [rows, ...ended] = lists.map((runs) => runs.map((run) => rowOf(run, recorded)));
  for (const run of rows) recorded.delete(key(run));
  // If Airflow's list is full, the other recorded runs may still exist in Airflow.
  const others = recordedRows(rows.length < MAX_RUNS ? "ended, not in Airflow's list" : "ended");
  return { rows: [...rows, ...others].sort(newestFirst("started_at")).slice(0, MAX_RUNS), ended: ended.flat().sort(newestFirst("ended_at")), error: null };
}

async function listRuns(filter) {
  return (await airflow("POST", "dags/~/dagRuns/list", filter)).dag_runs;
}

const newestRuns = () => listRuns({ dag_ids: DAGS, order_by: "-run_after", page_limit: MAX_RUNS });
const lastEndedRun = (dag) => listRuns({ dag_ids: [dag], states: ["success", "failed"], order_by: "-end_date", page_limit: 1 });

function rowOf(run, recorded) {
  const figures = recorded.get(key({ ...run, run_id: run.dag_run_id }));
  const [sign, label] = RUN_STATES[run.state] ?? ["–", run.state];
  return {
    ...figures, dag_id: run.dag_id, run_id: run.dag_run_id, sign, label, note: plainNote(run.note),
    started_at: run.start_date ?? run.run_after, ended_at: run.end_date, figures,
  };
}

const newestFirst = (timeField) => (left, right) => new Date(right[timeField]) - new Date(left[timeField]);
const key = ({ dag_id: dagId, run_id: runId }) => `${dagId} ${runId}`;

// A notice per DAG whose last ended run failed, with the run note.
export function failureNotices(ended) {
  return ended.filter((run) => run.sign === "✕").map((run) => h("p", { class: "notice warning" },
    h("b", {}, "✕ "), `The last run of ${run.dag_id} failed, ${formatTime(run.ended_at)}. `, run.note ? `${run.note} ` : "",
    linkTo(run, "View the run in Airflow")));
}

export function runsTable({ rows, error }) {
  const notice = error && h("p", { class: "error" }, error);
  if (!rows.length) return h("div", {}, notice, h("p", { class: "empty" }, "There are no runs yet. Trigger the DAG agora_bandwidth_daily, or wait for the nightly run."));
  return h("div", {}, notice, h("div", { class: "scroll runs", tabindex: 0, role: "region", "aria-label": "Last runs" },
    h("table", { class: "plain" },
      h("caption", {}, "Collecting runs that have ended show figures: app-days planned, received and changed, and their state now"),
      h("thead", {}, h("tr", {}, HEADINGS.map((heading) => h("th", { scope: "col", class: NUMBERS.includes(heading) ? "number" : null }, heading)))),
      h("tbody", {}, rows.map(runRow)))));
}

function runRow(run) {
  const { figures } = run;
  return h("tr", { class: run.sign === "✕" ? "problem" : null },
    h("td", { class: "state" }, h("b", { "aria-hidden": "true" }, `${run.sign} `), run.label),
    h("th", { scope: "row" }, linkTo(run, run.dag_id), h("small", {}, run.run_id)),
    h("td", {}, formatTime(run.started_at)),
    h("td", {}, formatDuration(run.started_at, run.ended_at)),
    numberCell(figures?.app_days),
    numberCell(figures?.app_days_received, figures && formatCount(figures.points_received, "point")),
    numberCell(figures?.app_days_changed),
    h("td", { class: "states" }, statesText(figures)),
    numberCell(figures?.requests, figures && formatCount(figures.retries, "retry", "retries"), figures && `${formatInteger(figures.limited)} throttled`),
    numberCell(figures?.failed_apps),
    h("td", { class: "note" }, noteElement(run)));
}

// Release 1.0.0 did not record all figures.
function numberCell(figure, ...lines) {
  const number = typeof figure === "number" ? formatInteger(figure) : "–";
  return h("td", { class: "number" }, number, lines.filter(Boolean).map((line) => h("small", {}, line)));
}

function statesText(figures) {
  if (!figures) return "–";
  const states = Object.keys(APP_DAY_STATES).filter((state) => figures[state]);
  return states.map((state) => h("span", {}, `${formatInteger(figures[state])} ${state}`));
}

// Shows the recorded problems if the run has no note in Airflow.
function noteElement(run) {
  const note = run.note?.replace(/^Result: /, "") || run.problems;
  return note && h("div", { title: note }, note);
}

function linkTo(run, label) {
  return h("a", { href: `${airflowRoot}/dags/${run.dag_id}/runs/${encodeURIComponent(run.run_id)}`, "data-outside": true }, label);
}

export function lateNotices(schedules) {
  return schedules.filter((dag) => dag.is_late).map((dag) => h("p", { class: "notice warning" },
    h("b", {}, "✕ "), `${dag.dag_id} is not running on schedule. ${dag.why}`));
}

export function schedulesTable(schedules) {
  if (!schedules.length) return h("p", { class: "empty" }, "No DAGs are scheduled.");
  return h("div", { class: "scroll schedules" },
    h("table", { class: "plain" },
      h("caption", {}, "Schedules from Airflow's scheduler"),
      h("thead", {}, h("tr", {}, ["State", "DAG", "Next run", "Problem"].map((heading) => h("th", { scope: "col" }, heading)))),
      h("tbody", {}, schedules.map(scheduleRow))));
}

function scheduleRow(dag) {
  const [sign, label] = dag.is_late ? ["✕", dag.is_paused ? "paused" : "late"] : dag.is_paused ? ["–", "paused"] : ["✓", "scheduled"];
  return h("tr", { class: dag.is_late ? "problem" : null },
    h("td", { class: "state" }, h("b", { "aria-hidden": "true" }, `${sign} `), label),
    h("th", { scope: "row" }, dag.dag_id),
    h("td", {}, dag.is_paused ? "–" : formatTime(dag.next_run_at)),
    h("td", {}, dag.why || "none"));
}
