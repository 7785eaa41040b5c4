// The total: one tile per billing method, and bars that compare the month with the previous month.
import { METHODS, VOLUME, bytesElement, changeElement, projectionElement, rateElement, reasonNotCompared } from "./methods.js";
import { h } from "../frame/dom.js";
import { formatCount, formatDigits, formatMonth, formatRate, rateUnit } from "../frame/format.js";
import { drawChart } from "../frame/plotly.js";
import { sumName } from "./table.js";

const isCompared = (bill) => Boolean(bill.total.before) && !reasonNotCompared(bill.total, bill);

export class TotalTiles {
  constructor(bill) {
    this.bill = bill;
    const { total } = bill;
    this.volume = h("div", { class: "tile", title: VOLUME.means }, "Volume", h("b", {}, "…"), h("span", { class: "muted" }, "calculating"));
    this.element = h("div", { class: "tiles", role: "group", "aria-label": sumName(bill) },
      Object.entries(METHODS).map(([method, { name, means }]) => h("div", { class: "tile", title: means },
        name,
        h("b", {}, rateElement(total[method])),
        total.projected && h("span", { class: "line" }, projectionElement(total.projected[method], rateElement, bill.at_least.includes(method))),
        this.comparison(rateElement(total.before?.[method]), total.change_percent[method]))),
      this.volume);
  }

  // Shows the previous month only if the two months can be compared.
  comparison(before, change) {
    if (!isCompared(this.bill)) return null;
    return h("span", { class: "line muted" }, `${formatMonth(this.bill.month_before)} `, before, ", ", changeElement(change, this.bill.total, this.bill));
  }

  addVolume({ error, total, apps_without_points: appsWithoutPoints }) {
    this.volume.replaceChildren("Volume", h("b", {}, bytesElement(total.volume_bytes)), ...[
      error && h("span", { class: "line", role: "alert" }, error),
      !error && !this.bill.is_over && h("span", { class: "line" }, projectionElement(total.projected_volume_bytes, bytesElement)),
      !error && this.comparison(bytesElement(total.before_volume_bytes), total.change_percent),
      appsWithoutPoints > 0 && h("span", { class: "line incomplete" }, "◐ ", `excludes ${formatCount(appsWithoutPoints, "app")} without points`),
    ].filter(Boolean));
  }
}

export function drawComparison(element, bill) {
  const { total } = bill;
  const before = isCompared(bill) && total.before;
  const largest = Math.max(...Object.keys(METHODS).flatMap((method) => [total[method] ?? 0, before?.[method] ?? 0]));
  const [size, unit] = rateUnit(largest);
  const bars = (figures, name, shape) => ({
    type: "bar",
    name,
    x: Object.values(METHODS).map((method) => method.name),
    y: Object.keys(METHODS).map((method) => (figures[method] === null ? null : figures[method] / size)),
    text: Object.keys(METHODS).map((method) => (figures[method] === null ? "" : formatDigits(figures[method] / size))),
    customdata: Object.keys(METHODS).map((method) => formatRate(figures[method])),
    textposition: "outside",
    cliponaxis: false,
    hovertemplate: "%{x}: %{customdata}<extra>%{fullData.name}</extra>",
    marker: { pattern: { shape } },
  });
  const now = bars(total, `${formatMonth(bill.month)}${bill.is_over ? "" : ", so far"}`, bill.is_over ? "" : "/");
  const traces = before ? [bars(before, formatMonth(bill.month_before), ""), now] : [now];
  return drawChart(element, traces, {
    barmode: "group",
    bargap: 0.3,
    showlegend: true,
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom" },
    yaxis: { fixedrange: true, title: { text: unit }, rangemode: "tozero" },
    xaxis: { fixedrange: true, showgrid: false },
    margin: { t: 40, r: 10, b: 30 },
  });
}
