// Which apps are looked at: those chosen as chips, and a field that finds others by name or App ID.
import { read } from "../frame/api.js";
import { h } from "../frame/dom.js";
import { things } from "../frame/format.js";

const MOST = 6;
const PAUSE_MS = 150;

export function chooser(apps, onchange) {
  const ids = apps.map((app) => app.app_id);
  return h("div", { class: "chooser" },
    h("label", { for: "traffic-app" }, "Apps"),
    h("div", {},
      apps.map((app) => (apps.length === 1 ? onlyChip(app) : chip(app, () => onchange(ids.filter((id) => id !== app.app_id))))),
      new Finder(ids, (id) => onchange([...ids, id])).element));
}

function chip({ app_id: id, app_name: name }, remove) {
  return h("button", { class: "chip", id: `chip-${id}`, title: `${id}: remove`, "aria-label": `Remove ${name}`, onclick: remove },
    h("span", {}, name), h("span", { "aria-hidden": "true" }, "×"));
}

// Without any app there would be nothing to show.
function onlyChip({ app_id: id, app_name: name }) {
  return h("span", { class: "chip only", id: `chip-${id}`, title: `${id}: add another app to remove this one` }, h("span", {}, name));
}

// A combobox after the pattern of the ARIA guide: the focus stays in the field, the arrows move through the list.
class Finder {
  constructor(chosen, onchoose) {
    Object.assign(this, { chosen, onchoose, turn: 0, options: [] });
    const isFull = chosen.length >= MOST;
    this.list = h("ul", { id: "traffic-apps", role: "listbox", "aria-label": "Apps found", hidden: true });
    this.input = h("input", {
      id: "traffic-app", type: "text", role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-controls": "traffic-apps",
      "aria-expanded": "false", disabled: isFull, placeholder: isFull ? `${MOST} apps at most` : "add: name or App ID",
      oninput: () => this.#later(), onclick: () => this.#find(), onblur: () => this.#close(), onkeydown: (event) => this.#key(event),
    });
    this.element = h("div", { class: "finder" }, this.input, this.list);
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#find(), PAUSE_MS);
  }

  async #find() {
    const turn = ++this.turn;
    let found;
    try {
      found = await read("apps", { search: this.input.value.trim() });
    } catch (trouble) {
      return this.#show([], trouble.message);
    }
    if (turn !== this.turn || document.activeElement !== this.input) return;
    const more = found.apps_in_all - found.apps.length;
    const fresh = found.apps.filter((app) => !this.chosen.includes(app.app_id));
    this.#show(fresh, more > 0 ? `${things(more, "more app")}: type a part of the name` : fresh.length ? "" : "No other app is called so.");
  }

  #show(apps, remark) {
    this.options = apps.map((app, index) => h("li", {
      role: "option", id: `traffic-option-${index}`, "aria-selected": "false",
      // Before the field loses the focus, which closes the list.
      onmousedown: (event) => { event.preventDefault(); this.onchoose(app.app_id); },
    }, h("span", {}, app.app_name), h("small", {}, app.app_name === app.app_id ? "" : app.app_id)));
    this.apps = apps;
    this.at = -1;
    this.list.replaceChildren(...this.options, ...(remark ? [h("li", { class: "quiet", role: "presentation" }, remark)] : []));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  #close() {
    this.turn += 1;
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
    } else if (event.key === "Enter" && this.apps?.[this.at] && !this.list.hidden) {
      event.preventDefault();
      this.onchoose(this.apps[this.at].app_id);
    } else if (event.key === "Escape") {
      this.#close();
    }
  }

  #move(step) {
    if (!this.options.length) return;
    this.options[this.at]?.setAttribute("aria-selected", "false");
    this.at = (Math.max(this.at, step > 0 ? -1 : 0) + step + this.options.length) % this.options.length;
    const option = this.options[this.at];
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }
}
