// Light or dark as Airflow is at the moment, or as the system where the page stands alone.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function outer() {
  try {
    return window.parent === window ? null : window.parent.document.documentElement;
  } catch {
    return null; // framed by somebody else
  }
}

function apply() {
  const frame = outer();
  const isDark = frame ? frame.classList.contains("dark") : dark.matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  document.dispatchEvent(new Event("theme"));
}

export function followTheme() {
  const frame = outer();
  if (frame) new MutationObserver(apply).observe(frame, { attributes: true, attributeFilter: ["class"] });
  dark.addEventListener("change", apply);
  apply();
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
