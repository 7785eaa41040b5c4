// The total's methods as bars, this month beside the month before.
import { METHODS, beforeOf } from "./figures.js";
import { draw } from "../frame/chart.js";
import { digits, monthOf, rate, unitFor } from "../frame/format.js";

export function compareMonths(element, bill) {
  const { total } = bill;
  const most = Math.max(...Object.keys(METHODS).flatMap((method) => [total[method] ?? 0, total.before?.[method] ?? 0]));
  const [size, unit] = unitFor(most);
  const bars = (figures, name, shape) => ({
    type: "bar",
    name,
    x: Object.values(METHODS).map((method) => method.name),
    y: Object.keys(METHODS).map((method) => (figures[method] === null ? null : figures[method] / size)),
    text: Object.keys(METHODS).map((method) => (figures[method] === null ? "" : digits(figures[method] / size))),
    customdata: Object.keys(METHODS).map((method) => rate(figures[method])),
    textposition: "outside",
    cliponaxis: false,
    hovertemplate: "%{x}: %{customdata}<extra>%{fullData.name}</extra>",
    marker: { pattern: { shape } },
  });
  const now = bars(total, `${monthOf(bill.month)}${bill.is_over ? "" : ", so far"}`, bill.is_over ? "" : "/");
  const traces = total.before ? [bars(total.before, beforeOf(total, bill), ""), now] : [now];
  return draw(element, traces, {
    barmode: "group",
    bargap: 0.3,
    showlegend: true,
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom" },
    yaxis: { fixedrange: true, title: { text: unit }, rangemode: "tozero" },
    xaxis: { fixedrange: true, showgrid: false },
    margin: { t: 40, r: 10, b: 30 },
  });
}
