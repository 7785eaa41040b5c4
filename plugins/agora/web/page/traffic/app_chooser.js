// The control for choosing apps: chips for the chosen apps, and a search field for other apps.
import { read } from "../frame/api.js";
import { fieldError, h } from "../frame/dom.js";
import { formatCount } from "../frame/format.js";

const MAX_APPS = 6;
const DEBOUNCE_MILLISECONDS = 150;

// `unknownIds`: chosen App IDs that do not exist. `error`: why the choice is invalid, if it is.
export function appChooser(apps, unknownIds, onchange, error) {
  const ids = [...apps.map((app) => app.app_id), ...unknownIds];
  const without = (removed) => () => onchange(ids.filter((id) => id !== removed));
  const search = new AppSearch(ids, (id) => onchange([...ids, id]));
  return h("div", { class: "chooser" },
    h("label", { for: "traffic-app" }, "Apps"),
    h("div", {},
      apps.map((app) => (ids.length === 1 ? lastChip(app) : chip(app, without(app.app_id)))),
      unknownIds.map((id) => chip({ app_id: id, app_name: id }, without(id), "unknown")),
      search.element),
    error && fieldError(search.input, ids.length > MAX_APPS ? `Choose at most ${MAX_APPS} apps.` : error));
}

function chip({ app_id: id, app_name: name }, remove, className = "") {
  return h("button", { class: `chip ${className}`, id: `chip-${id}`, title: `Remove ${name} (App ID ${id})`, "aria-label": `Remove ${name}`, onclick: remove },
    h("span", {}, name), h("span", { "aria-hidden": "true" }, "×"));
}

// The last app cannot be removed.
function lastChip({ app_id: id, app_name: name }) {
  return h("span", { class: "chip only", id: `chip-${id}`, title: `App ID ${id}. Add another app before you remove this one.` }, h("span", {}, name));
}

// A combobox that follows the ARIA pattern: the focus stays in the field, and arrow keys move through the list.
class AppSearch {
  constructor(chosen, onchoose) {
    Object.assign(this, { chosen, onchoose, requestNumber: 0, options: [] });
    const isFull = chosen.length >= MAX_APPS;
    this.list = h("ul", { id: "traffic-apps", role: "listbox", "aria-label": "Matching apps", hidden: true });
    this.input = h("input", {
      id: "traffic-app", type: "text", role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-controls": "traffic-apps",
      "aria-expanded": "false", disabled: isFull, placeholder: isFull ? `at most ${MAX_APPS} apps` : "add by name or App ID",
      oninput: () => this.#findLater(), onclick: () => this.#find(), onblur: () => this.#close(), onkeydown: (event) => this.#key(event),
    });
    this.element = h("div", { class: "finder" }, this.input, this.list);
  }

  #findLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#find(), DEBOUNCE_MILLISECONDS);
  }

  async #find() {
    const number = ++this.requestNumber;
    let found;
    try {
      found = await read("apps", { search: this.input.value.trim() });
    } catch (error) {
      return this.#show([], error.message);
    }
    if (number !== this.requestNumber || document.activeElement !== this.input) return;
    const more = found.apps_in_all - found.apps.length;
    const others = found.apps.filter((app) => !this.chosen.includes(app.app_id));
    this.#show(others, more > 0 ? `${formatCount(more, "more app")}. Type more of the name.` : others.length ? "" : "No other app matches.");
  }

  #show(apps, remark) {
    this.options = apps.map((app, index) => h("li", {
      role: "option", id: `traffic-option-${index}`, "aria-selected": "false",
      // mousedown precedes the blur event, which closes the list.
      onmousedown: (event) => { event.preventDefault(); this.onchoose(app.app_id); },
    }, h("span", {}, app.app_name), h("small", {}, app.app_name === app.app_id ? "" : app.app_id)));
    this.apps = apps;
    this.activeIndex = -1;
    this.list.replaceChildren(...this.options, ...(remark ? [h("li", { class: "muted", role: "presentation" }, remark)] : []));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  #close() {
    this.requestNumber += 1;
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (this.list.hidden) this.#find();
      else this.#move(step);
    } else if (event.key === "Enter" && this.apps?.[this.activeIndex] && !this.list.hidden) {
      event.preventDefault();
      this.onchoose(this.apps[this.activeIndex].app_id);
    } else if (event.key === "Escape") {
      this.#close();
    }
  }

  #move(step) {
    if (!this.options.length) return;
    this.options[this.activeIndex]?.setAttribute("aria-selected", "false");
    this.activeIndex = (Math.max(this.activeIndex, step > 0 ? -1 : 0) + step + this.options.length) % this.options.length;
    const option = this.options[this.activeIndex];
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }
}
