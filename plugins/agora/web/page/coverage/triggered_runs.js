// Tracks the runs triggered from this page until they end and the grid shows their results. The runs outlive the
// view, which is recreated with each new order, search or page. Polling stops while the view is closed.
import { airflow } from "../frame/api.js";

const POLL_MILLISECONDS = 1500;
const MAX_POLL_MILLISECONDS = 30_000;
const END_STATES = ["success", "failed"];

let runs = [];
let view = null;
let isPolling = false;
let wake = () => {};

export const triggeredRuns = () => runs;
export const isActive = (run) => run.state === "triggering" || isPending(run);
const isPending = (run) => Boolean(run.run_id) && !run.is_drawn;

export function isBeingCollected({ app, usage_date: date }) {
  return runs.some((run) => isActive(run) && run.conf.from_date <= date && date <= run.conf.to_date && run.conf.app_ids.includes(app.app_id));
}

// Sets the visible view: its `element`, `showRuns()` to update the progress, and `reload()` to read the days again.
export function setView(next) {
  view = next;
  for (const run of runs) run.is_drawn = false; // the view may have loaded its days before the run ended
  poll();
}

export async function trigger(dagId, conf) {
  const run = { dag_id: dagId, conf, state: "triggering" };
  runs = [...runs.filter(isActive), run];
  view.showRuns();
  try {
    const { dag_run_id: runId } = await airflow("POST", `dags/${dagId}/dagRuns`, { logical_date: null, conf });
    Object.assign(run, { run_id: runId, state: "queued" });
  } catch (error) {
    Object.assign(run, { state: "not triggered", error: error.message });
  }
  view.showRuns();
  document.dispatchEvent(new Event("triggered"));
  poll();
}

export function dismiss(run) {
  runs = runs.filter((other) => other !== run);
  view.showRuns();
}

async function poll() {
  wake();
  if (isPolling) return;
  isPolling = true;
  let failures = 0;
  while (view.element.isConnected && runs.some(isPending)) {
    const pending = runs.filter(isPending);
    for (const run of pending) await update(run);
    failures = pending.every((run) => run.error) ? failures + 1 : 0;
    if (runs.some(isPending)) await pause(POLL_MILLISECONDS * 2 ** failures);
  }
  isPolling = false;
}

// After an error, the next poll tries again, because the run continues.
async function update(run) {
  const updatedView = view;
  try {
    const { state, note } = await airflow("GET", `dags/${run.dag_id}/dagRuns/${encodeURIComponent(run.run_id)}`);
    const isPaused = state === "queued" && (await airflow("GET", `dags/${run.dag_id}`)).is_paused;
    Object.assign(run, { state, note, is_paused: isPaused });
    await updatedView.reload();
    Object.assign(run, { error: null, is_drawn: END_STATES.includes(state) && updatedView === view });
  } catch (error) {
    run.error = error.message;
  }
  view.showRuns();
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    wake = resolve;
    setTimeout(resolve, Math.min(milliseconds, MAX_POLL_MILLISECONDS));
  });
}
