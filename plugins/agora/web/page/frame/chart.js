// Charts by Plotly.js, loaded when the first one is drawn, in the colours of the theme.
import { colour } from "./theme.js";

const CONFIG = { responsive: true, displaylogo: false, displayModeBar: false, showTips: false, scrollZoom: false, doubleClick: false };
const drawn = new Map();
let loaded;

function plotly() {
  loaded ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../plotly.min.js", import.meta.url);
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loaded = undefined;
      reject(new Error("The charts' library did not load. Reload the page; every figure is in the tables, too."));
    };
    document.head.append(script);
  });
  return loaded;
}

// Draws, or draws anew, into an element that is in the document. A colour may be a token of style.css, "--line-1";
// elsewhere such words are words: an app may be called so.
export async function draw(element, traces, layout) {
  const library = await plotly();
  for (const known of drawn.keys()) {
    if (!known.isConnected && drawn.delete(known)) library.purge(known);
  }
  if (!element.isConnected) return;
  drawn.set(element, { traces, layout });
  await paint(library, element);
}

async function paint(library, element) {
  const { traces, layout } = drawn.get(element);
  const axes = Object.fromEntries(Object.keys(layout).filter((name) => /^[xy]axis/.test(name)).map((name) => [name, { ...AXIS, ...layout[name] }]));
  // Plotly completes what it is given: it gets a copy.
  await library.react(element, themed(traces), themed({ ...BASE, ...layout, ...axes }), CONFIG);
}

document.addEventListener("theme", async () => {
  for (const element of drawn.keys()) if (element.isConnected) await paint(await plotly(), element);
});

const AXIS = { color: "--quiet", gridcolor: "--grid", linecolor: "--line", zeroline: false, automargin: true };
const BASE = {
  font: { family: "Inter, system-ui, sans-serif", size: 12, color: "--text" },
  paper_bgcolor: "--page",
  plot_bgcolor: "--page",
  colorway: [1, 2, 3, 4, 5, 6].map((number) => `--line-${number}`),
  margin: { l: 60, r: 16, t: 16, b: 40 },
  hoverlabel: { bgcolor: "--raised", bordercolor: "--line", font: { color: "--text" } },
  showlegend: false,
  xaxis: AXIS,
  yaxis: AXIS,
};

function themed(part, name = "") {
  if (typeof part === "string") return /color(way)?$/.test(name) && part.startsWith("--") ? colour(part.slice(2)) : part;
  if (Array.isArray(part)) return part.map((one) => themed(one, name));
  if (part === null || typeof part !== "object" || part instanceof Date) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, themed(value, key)]));
}
