// The page's frame: which of the four views is shown, and what is said when one cannot be.
import { airflowRoot } from "./api.js";
import { h } from "./dom.js";
import { followTheme } from "./theme.js";
import { leadLinksOutside } from "./outside.js";

const VIEWS = { coverage: "../coverage/view.js", traffic: "../traffic/view.js", bill: "../bill/view.js", health: "../health/view.js" };
const view = document.getElementById("view");
let shown = 0;

async function show() {
  const [name, query] = location.hash.slice(1).split("?");
  const chosen = name in VIEWS ? name : "coverage";
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const isChosen = tab.id === `tab-${chosen}`;
    tab.setAttribute("aria-selected", isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
  }
  view.setAttribute("aria-labelledby", `tab-${chosen}`);
  const turn = ++shown;
  view.setAttribute("aria-busy", "true");
  const panel = h("div", { class: `panel ${chosen}` });
  try {
    const module = await import(VIEWS[chosen]);
    // A view fills its panel; one that was left meanwhile is dropped.
    await module.show(panel, new URLSearchParams(query ?? ""));
  } catch (trouble) {
    panel.replaceChildren(h("p", { class: "trouble", role: "alert" }, trouble.message));
  }
  if (turn !== shown) return;
  view.replaceChildren(panel);
  view.removeAttribute("aria-busy");
  panel.dispatchEvent(new Event("shown"));
}

function moveBetweenTabs(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
}

// Airflow shows the tab on every DAG there is.
function belongsHere() {
  const dagId = new URLSearchParams(location.search).get("dag");
  return !dagId || dagId.startsWith("agora_bandwidth_");
}

followTheme();
leadLinksOutside();
if (belongsHere()) {
  document.querySelector("[role=tablist]").addEventListener("keydown", moveBetweenTabs);
  window.addEventListener("hashchange", show);
  show();
} else {
  document.querySelector("[role=tablist]").remove();
  view.replaceChildren(h("p", { class: "empty" }, "This DAG does not collect bandwidth. ",
    h("a", { href: `${airflowRoot}/plugin/bandwidth`, "data-outside": true }, "See the bandwidth of all apps")));
}
