// When Airflow runs each scheduled DAG next, and which of them run too late.
import { h } from "../frame/dom.js";
import { at } from "./times.js";

export function lateSchedules(all) {
  return all.filter((dag) => dag.is_late).map((dag) => h("p", { class: "verdict soon" },
    h("b", {}, "✕ "), `${dag.dag_id} does not run when it should. ${dag.why}`));
}

export function schedulesTable(all) {
  if (!all.length) return h("p", { class: "empty" }, "No DAG has a schedule.");
  return h("div", { class: "scroll schedules" },
    h("table", { class: "plain" },
      h("caption", {}, "As Airflow's scheduler has them"),
      h("thead", {}, h("tr", {}, ["State", "DAG", "Next run", "Problem"].map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, all.map(row))));
}

function row(dag) {
  const [sign, words] = dag.is_late ? ["✕", dag.is_paused ? "paused" : "late"] : dag.is_paused ? ["–", "paused"] : ["✓", "scheduled"];
  return h("tr", { class: dag.is_late ? "failing" : null },
    h("td", { class: "state" }, h("b", { "aria-hidden": "true" }, `${sign} `), words),
    h("th", { scope: "row" }, dag.dag_id),
    h("td", {}, dag.is_paused ? "–" : at(dag.next_run_at)),
    h("td", {}, dag.why || "none"));
}
