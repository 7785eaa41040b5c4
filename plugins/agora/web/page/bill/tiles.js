// The total by each method, with what it may come to and what it was the month before.
import { METHODS, VOLUME, beforeOf, bytesOf, changeOf, projectedOf, rateOf } from "./figures.js";
import { h } from "../frame/dom.js";
import { monthOf, things } from "../frame/format.js";

export class BillTiles {
  constructor(bill) {
    this.bill = bill;
    const { total } = bill;
    this.volume = h("div", { class: "tile", title: VOLUME.means }, "Volume", h("b", {}, "…"), h("span", { class: "quiet" }, "being added up"));
    this.element = h("div", { class: "tiles", role: "group", "aria-label": "All apps together" },
      Object.entries(METHODS).map(([method, { name, means }]) => h("div", { class: "tile", title: means },
        name,
        h("b", {}, rateOf(total[method])),
        total.projected && h("span", { class: "line" }, projectedOf(total.projected[method], rateOf, bill.at_least.includes(method))),
        this.before(total.before && rateOf(total.before[method]), total.change_percent[method]))),
      this.volume);
  }

  before(written, change) {
    if (!written) return h("span", { class: "line quiet" }, `nothing of ${monthOf(this.bill.month_before)}`);
    const compared = change !== null && change !== undefined;
    return h("span", { class: "line quiet" }, `${beforeOf(this.bill.total, this.bill)} `, written, compared && ", ", compared && changeOf(change, this.bill.total, this.bill));
  }

  addVolume({ trouble, total, apps_without_points: silent }) {
    this.volume.replaceChildren("Volume", h("b", {}, bytesOf(total.volume_bytes)), ...[
      trouble && h("span", { class: "line", role: "alert" }, trouble),
      !trouble && !this.bill.is_over && h("span", { class: "line" }, projectedOf(total.projected_volume_bytes, bytesOf)),
      !trouble && this.before(this.bill.total.before && bytesOf(total.before_volume_bytes), total.change_percent),
      silent > 0 && h("span", { class: "line lacking" }, "◐ ", `without ${things(silent, "app")} that ${silent === 1 ? "has" : "have"} no point`),
    ].filter(Boolean));
  }
}
