// Integrates the page into Airflow's frame: follows Airflow's theme, and opens links outside the frame.

const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

function airflowDocument() {
  try {
    return window.parent === window ? null : window.parent.document.documentElement;
  } catch {
    return null; // the outer document has another origin
  }
}

function applyTheme() {
  const airflow = airflowDocument();
  const isDark = airflow ? airflow.classList.contains("dark") : prefersDark.matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  document.dispatchEvent(new Event("theme"));
}

// Follows Airflow's theme, or the system's theme if the page is not in a frame.
export function followTheme() {
  const airflow = airflowDocument();
  if (airflow) new MutationObserver(applyTheme).observe(airflow, { attributes: true, attributeFilter: ["class"] });
  prefersDark.addEventListener("change", applyTheme);
  applyTheme();
}

// Airflow's frame blocks navigation and some downloads, so the outer document follows links with data-outside.
export function openLinksOutside() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-outside]");
    if (!link || window.parent === window) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      window.parent.open(link.href);
      return;
    }
    const outerLink = window.parent.document.createElement("a");
    outerLink.href = link.href;
    if (link.hasAttribute("download")) outerLink.download = link.download;
    outerLink.click();
  });
}
