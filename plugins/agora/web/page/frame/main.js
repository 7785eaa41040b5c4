// The page's frame: which of the four views is shown, and what is said when one cannot be.
import { airflowRoot, read } from "./api.js";
import { h } from "./dom.js";
import { followTheme } from "./theme.js";
import { leadLinksOutside } from "./outside.js";
import { mirrorAddress, restoreAddress } from "./address.js";

const VIEWS = { coverage: "../coverage/view.js", traffic: "../traffic/view.js", bill: "../bill/view.js", health: "../health/view.js" };
const view = document.getElementById("view");
let shown = 0;

async function show() {
  mirrorAddress();
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
  if (!view.hasChildNodes()) setTimeout(() => view.hasChildNodes() || view.append(h("p", { class: "quiet" }, "Loading …")), 300);
  const panel = h("div", { class: `panel ${chosen}` });
  try {
    // A view fills its panel; one that was left meanwhile is dropped.
    await (await load(chosen)).show(panel, new URLSearchParams(query ?? ""));
  } catch (trouble) {
    panel.replaceChildren(h("p", { class: "trouble", role: "alert" }, trouble.message), h("button", { onclick: show }, "Try again"));
  }
  if (turn === shown) take(panel);
}

async function load(chosen) {
  try {
    return await import(VIEWS[chosen]);
  } catch (trouble) {
    await read("rights"); // says it in words if the login has ended
    throw trouble;
  }
}

// Whoever uses the keyboard goes on where they were: what is focused has an id of its own.
function take(panel) {
  const focused = document.activeElement?.id;
  view.firstElementChild?.dispatchEvent(new Event("left"));
  view.replaceChildren(panel);
  view.removeAttribute("aria-busy");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  panel.dispatchEvent(new Event("shown"));
}

// A view that is shown already, and perhaps could not be, is shown anew.
function showAgain(event) {
  if (event.target.closest("[role=tab]")?.getAttribute("aria-selected") === "true" && event.target.hash === location.hash) show();
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
  document.querySelector("[role=tablist]").addEventListener("click", showAgain);
  window.addEventListener("hashchange", show);
  restoreAddress();
  show();
} else {
  document.querySelector("[role=tablist]").remove();
  view.replaceChildren(h("p", { class: "empty" }, "This DAG does not collect bandwidth. ",
    h("a", { href: `${airflowRoot}/plugin/bandwidth`, "data-outside": true }, "See the bandwidth of all apps")));
}
