// Replaces what an element holds, unless that says the same already: what is focused in it stays, and a screen
// reader does not say it twice. Tells whether the focus was in what has gone.
import { h } from "../frame/dom.js";

export function renew(place, parts) {
  const fresh = h("div", {}, parts);
  if (fresh.textContent === place.textContent) return false;
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(...fresh.childNodes);
  return hadFocus;
}
