// Creates elements without HTML strings, so that names and messages are never parsed as markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function field(label, control) {
  return h("label", { class: "field" }, h("span", {}, label), control);
}

export function select(id, options, selected, onchange) {
  const element = h("select", { id, onchange: () => onchange(element.value) });
  for (const [value, label] of Object.entries(options)) {
    element.append(h("option", { value, selected: value === selected }, label));
  }
  return element;
}

// Reports a picked date immediately, and a typed date on Enter or blur, because half-typed dates can be valid.
export function dateInput(id, value, onpick, attributes = {}) {
  let isTyping = false;
  const pick = () => {
    if (input.value && input.value !== value && input.validity.valid) onpick(input.value);
  };
  const input = h("input", {
    id, type: "date", value, min: "2000-01-01", max: "2999-12-31", ...attributes,
    onkeydown: (event) => { isTyping = event.key !== "Enter"; if (!isTyping) pick(); },
    onpointerdown: () => { isTyping = false; },
    onchange: () => { if (!isTyping) pick(); },
    onblur: pick,
  });
  return input;
}

export function table(caption, headings, rows, attributes = {}) {
  return h("table", attributes,
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, headings.map((heading) => h("th", { scope: "col" }, heading)))),
    h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell))))));
}

// Replaces an element's children only if the text has changed. This keeps the focus and avoids repeated announcements
// by screen readers. Returns whether the focus was in the replaced children.
export function replaceIfChanged(element, children) {
  const fresh = h("div", {}, children);
  if (fresh.textContent === element.textContent) return false;
  const hadFocus = element.contains(document.activeElement);
  element.replaceChildren(...fresh.childNodes);
  return hadFocus;
}
