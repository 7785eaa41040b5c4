// The frame around the views: shows the strip and the chosen view, or an error with a button to try again. Views with
// controls show errors about invalid choices themselves.
import { Strip } from "../overview/strip.js";
import { read } from "./api.js";
import { h } from "./dom.js";
import { followTheme, openLinksOutside } from "./airflow_frame.js";
import { copyAddressToAirflow, restoreAddressFromAirflow } from "./address.js";

const VIEWS = { coverage: "../coverage/view.js", traffic: "../traffic/view.js", bill: "../bill/view.js", trend: "../trend/view.js", health: "../health/view.js" };
const view = document.getElementById("view");
let requestNumber = 0;

async function show() {
  copyAddressToAirflow();
  const [name, query] = location.hash.slice(1).split("?");
  const chosen = name in VIEWS ? name : "coverage";
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const isChosen = tab.id === `tab-${chosen}`;
    tab.setAttribute("aria-selected", isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
  }
  view.setAttribute("aria-labelledby", `tab-${chosen}`);
  const number = ++requestNumber;
  view.setAttribute("aria-busy", "true");
  if (!view.hasChildNodes()) setTimeout(() => view.hasChildNodes() || view.append(h("p", { class: "muted" }, "Loading…")), 300);
  const panel = h("div", { class: `panel ${chosen}` });
  try {
    await (await load(chosen)).show(panel, new URLSearchParams(query ?? ""));
  } catch (error) {
    panel.replaceChildren(h("p", { class: "error", role: "alert" }, error.message), h("button", { onclick: show }, "Try again"));
  }
  // Discards the panel if the user has left the view in the meantime.
  if (number === requestNumber) display(panel);
}

async function load(chosen) {
  try {
    return await import(VIEWS[chosen]);
  } catch (error) {
    await read("rights"); // throws a clear error if the session has expired
    throw error;
  }
}

// Keeps the keyboard focus. This works because focusable elements have the same ids in the new panel.
function display(panel) {
  const focusedId = document.activeElement?.id;
  view.replaceChildren(panel);
  view.removeAttribute("aria-busy");
  if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
  panel.dispatchEvent(new Event("shown"));
}

// A click on the selected tab reloads the view.
function reloadSelectedTab(event) {
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

followTheme();
openLinksOutside();
const tabList = document.querySelector("[role=tablist]");
tabList.addEventListener("keydown", moveBetweenTabs);
tabList.addEventListener("click", reloadSelectedTab);
window.addEventListener("hashchange", show);
restoreAddressFromAirflow();
show();
// Views that listen for `changed` update their own panels.
new Strip(document.getElementById("strip"), () => view.firstElementChild?.dispatchEvent(new Event("changed"))).poll();
