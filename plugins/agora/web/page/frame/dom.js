// Elements, made without HTML strings, so that no name or reason can be taken for markup.

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

export function select(options, chosen, onchange) {
  const element = h("select", { onchange: () => onchange(element.value) });
  for (const [value, label] of Object.entries(options)) {
    element.append(h("option", { value, selected: value === chosen }, label));
  }
  return element;
}

// A date counts when it was picked, or typed and left or confirmed: while one is typed, each digit makes a date.
export function dateInput(id, value, onpick, attributes = {}) {
  let isTyped = false;
  const pick = () => {
    if (input.value && input.value !== value && input.validity.valid) onpick(input.value);
  };
  const input = h("input", {
    id, type: "date", value, min: "2000-01-01", max: "2999-12-31", ...attributes,
    onkeydown: (event) => { isTyped = event.key !== "Enter"; if (!isTyped) pick(); },
    onpointerdown: () => { isTyped = false; },
    onchange: () => { if (!isTyped) pick(); },
    onblur: pick,
  });
  return input;
}

export function table(caption, heads, rows, attributes = {}) {
  return h("table", attributes,
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell))))));
}
