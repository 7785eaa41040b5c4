// The runs that this page has triggered, followed until they end and their cells are drawn. They outlive the view,
// which is made anew with each change of order, search or page; nothing is asked while no view is there.
import { airflow } from "../frame/api.js";

const PAUSE_MILLISECONDS = 1500;
const LONGEST_PAUSE_MILLISECONDS = 30_000;
const ENDED = ["success", "failed"];

let runs = [];
let view = null;
let isFollowing = false;
let wake = () => {};

export const followed = () => runs;
// Its cells are not offered for collecting.
export const isUnderWay = (run) => run.state === "triggering" || isOpen(run);
const isOpen = (run) => Boolean(run.run_id) && !run.is_drawn;

export function isBeingCollected({ app, usage_date: date }) {
  return runs.some((run) => isUnderWay(run) && run.conf.from_date <= date && date <= run.conf.to_date && run.conf.app_ids.includes(app.app_id));
}

// `next`: the view that is shown now; its `element`, `tell()` to say how runs go, `redraw()` to ask for the days again.
export function followFor(next) {
  view = next;
  for (const run of runs) run.is_drawn = false; // the view may have asked before the run ended
  keepFollowing();
}

export async function trigger(dagId, conf) {
  const run = { dag_id: dagId, conf, state: "triggering" };
  runs = [...runs.filter(isUnderWay), run];
  view.tell();
  try {
    const { dag_run_id: runId } = await airflow("POST", `dags/${dagId}/dagRuns`, { logical_date: null, conf });
    Object.assign(run, { run_id: runId, state: "queued" });
  } catch (trouble) {
    Object.assign(run, { state: "refused", trouble: trouble.message });
  }
  view.tell();
  keepFollowing();
}

export function dismiss(run) {
  runs = runs.filter((other) => other !== run);
  view.tell();
}

async function keepFollowing() {
  wake();
  if (isFollowing) return;
  isFollowing = true;
  let failures = 0;
  while (view.element.isConnected && runs.some(isOpen)) {
    const open = runs.filter(isOpen);
    for (const run of open) await look(run);
    failures = open.every((run) => run.trouble) ? failures + 1 : 0;
    if (runs.some(isOpen)) await pause(PAUSE_MILLISECONDS * 2 ** failures);
  }
  isFollowing = false;
}

// One that cannot be looked at is looked at again: the run goes on meanwhile.
async function look(run) {
  const drawnIn = view;
  try {
    const { state, note } = await airflow("GET", `dags/${run.dag_id}/dagRuns/${encodeURIComponent(run.run_id)}`);
    const isPaused = state === "queued" && (await airflow("GET", `dags/${run.dag_id}`)).is_paused;
    Object.assign(run, { state, note, is_paused: isPaused });
    await drawnIn.redraw();
    Object.assign(run, { trouble: null, is_drawn: ENDED.includes(state) && drawnIn === view });
  } catch (trouble) {
    run.trouble = trouble.message;
  }
  view.tell();
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    wake = resolve;
    setTimeout(resolve, Math.min(milliseconds, LONGEST_PAUSE_MILLISECONDS));
  });
}
