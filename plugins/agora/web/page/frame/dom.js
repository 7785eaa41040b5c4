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

// A control with its label. If there is an error, marks the control as invalid and shows the error beside it.
export function field(label, control, error) {
  const element = h("label", { class: "field" }, h("span", {}, label), control);
  return error ? h("div", { class: "field" }, element, fieldError(control, error)) : element;
}

// Marks a control as invalid, and returns the element with the error.
export function fieldError(control, error) {
  const id = `${control.id}-error`;
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", id);
  return h("span", { id, class: "field-error" }, error);
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

// Updates an element's children to match fresh ones, but reuses existing nodes, so that focus, scroll positions,
// selected text and open details are preserved. Children must not have event listeners of their own. A node with
// data-keep, such as a chart, keeps its children.
export function morph(element, children) {
  patch(element, h("div", {}, children));
}

function patch(element, fresh) {
  const nodes = [...fresh.childNodes];
  nodes.forEach((node, index) => {
    const current = element.childNodes[index];
    if (!current) element.append(node);
    else if (current.nodeName !== node.nodeName) current.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) {
      if (current.data !== node.data) current.data = node.data;
    } else {
      patchAttributes(current, node);
      if (!("keep" in node.dataset)) patch(current, node);
    }
  });
  while (element.childNodes.length > nodes.length) element.lastChild.remove();
}

function patchAttributes(element, fresh) {
  const isKept = (name) => name === "open" || fresh.hasAttribute(name) || "keep" in fresh.dataset;
  for (const name of element.getAttributeNames()) if (!isKept(name)) element.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (element.getAttribute(name) !== value && !("keep" in fresh.dataset)) element.setAttribute(name, value);
  }
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
