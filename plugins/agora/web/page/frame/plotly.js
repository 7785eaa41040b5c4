// Draws charts with Plotly.js in the theme's colours. The library is loaded with the first chart.

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
      reject(new Error("The chart library did not load. Reload the page. The tables contain the same figures."));
    };
    document.head.append(script);
  });
  return loaded;
}

// Draws or redraws a chart in an element of the document. A colour may be the name of a variable in style.css, such as
// "--line-1". Other text is never replaced, because an app may have the same name as a variable.
export async function drawChart(element, traces, layout) {
  const library = await plotly();
  for (const other of drawn.keys()) {
    if (!other.isConnected && drawn.delete(other)) library.purge(other);
  }
  if (!element.isConnected) return;
  drawn.set(element, { traces, layout });
  await paint(library, element);
}

// Returns the data URL of a PNG picture of a drawn chart.
export async function chartAsPng(element) {
  const { clientWidth: width, clientHeight: height } = element;
  return (await plotly()).toImage(element, { format: "png", width, height, scale: 2 });
}

async function paint(library, element) {
  const { traces, layout } = drawn.get(element);
  const axes = Object.fromEntries(Object.keys(layout).filter((name) => /^[xy]axis/.test(name)).map((name) => [name, { ...AXIS, ...layout[name] }]));
  // Plotly modifies its arguments, so pass a copy.
  await library.react(element, themed(traces), themed({ ...BASE, ...layout, ...axes }), CONFIG);
}

document.addEventListener("theme", async () => {
  for (const element of drawn.keys()) if (element.isConnected) await paint(await plotly(), element);
});

const AXIS = { color: "--muted", gridcolor: "--grid", linecolor: "--line", zeroline: false, automargin: true };
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
  if (typeof part === "string") return /color(way)?$/.test(name) && part.startsWith("--") ? colourOf(part) : part;
  if (Array.isArray(part)) return part.map((item) => themed(item, name));
  if (part === null || typeof part !== "object" || part instanceof Date) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, themed(value, key)]));
}

function colourOf(variable) {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
