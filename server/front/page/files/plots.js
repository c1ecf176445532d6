// Small plots: lines over the last two minutes, drawn as SVG.

import { el, svg } from "./dom.js";

const POINTS = 120, WIDTH = 240, HEIGHT = 44;
const classes = ["a", "b", "c", "d"];

/** A plot under its title, with up to four lines that share a scale. */
export class Plot {
  /** spec: title, unit, lines (names), show (value to text), least (the scale's top
   * at least), head (values to the one in large type: else the first), bad (that one
   * to whether it is alarming). */
  constructor(spec) {
    this.spec = { show: plain, least: 1, head: ([first]) => first, bad: () => false, ...spec };
    this.series = this.spec.lines.map(() => []);
    this.now = el("span", { class: "now" }, "–");
    this.area = svg("path", { class: "area" });
    this.paths = this.spec.lines.map((_, i) => svg("path", { class: "line " + classes[i] }));
    this.picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
      svg("path", { class: "base", d: `M0 ${HEIGHT}H${WIDTH}` }), this.area, ...[...this.paths].reverse());
    this.legend = this.spec.lines.length < 2 ? null : el("p", { class: "legend" }, ...this.spec.lines.map((_, i) => el("span", { class: classes[i] })));
    this.node = el("div", { class: "plot" }, el("div", { class: "head" }, el("h3", {}, spec.title), this.now), this.picture, this.legend);
    this.node.hidden = true;
  }

  /** Adds a second's values, null where there is none. A plot without any is hidden. */
  add(values) {
    values.forEach((v, i) => {
      this.series[i].push(v);
      if (this.series[i].length > POINTS) this.series[i].shift();
    });
    if (this.node.hidden && values.every((v) => v === null)) return;
    this.node.hidden = false;
    this.draw(values);
  }

  draw(values) {
    const { spec } = this;
    const top = Math.max(spec.least, ...this.series.flat().filter((v) => v !== null)) * 1.05;
    this.paths.forEach((path, i) => path.setAttribute("d", line(this.series[i], top)));
    this.area.setAttribute("d", this.paths.length === 1 ? area(this.series[0], top) : "");
    const text = (v) => (v === null ? "–" : spec.show(v));
    const head = spec.head(values);
    this.now.replaceChildren(text(head), spec.unit && head !== null ? el("small", {}, spec.unit) : "");
    this.node.toggleAttribute("data-bad", head !== null && spec.bad(head));
    if (this.legend !== null) [...this.legend.children].forEach((s, i) => { s.textContent = `${spec.lines[i]} ${text(values[i])}`; });
    const said = spec.lines.map((name, i) => `${name} ${text(values[i])}`).join(", ");
    this.picture.setAttribute("aria-label", `${spec.title}: ${said} ${spec.unit || ""}; scale to ${spec.show(top / 1.05)}`);
  }
}

const x = (i, length) => ((POINTS - length + i) * WIDTH) / (POINTS - 1);
const y = (v, top) => HEIGHT - 1 - (v / top) * (HEIGHT - 3);
const round = (n) => Math.round(n * 10) / 10;

function line(values, top) {
  let d = "", pen = "M";
  values.forEach((v, i) => {
    if (v === null) { pen = "M"; return; }
    d += `${pen}${round(x(i, values.length))} ${round(y(v, top))}${pen === "M" ? "h0" : ""}`; // a point alone is a dot
    pen = "L";
  });
  return d;
}

function area(values, top) {
  const shown = values.map((v) => v ?? 0);
  if (shown.length < 2) return "";
  return `M${round(x(0, shown.length))} ${HEIGHT}` + line(shown, top).replace("M", "L") + `L${WIDTH} ${HEIGHT}Z`;
}

export function plain(v) {
  if (v >= 10000) return `${round(v / 1000)}k`;
  return v >= 100 || Number.isInteger(v) ? String(Math.round(v)) : v.toFixed(1);
}

export function seconds(v) {
  if (v < 1e-3) return `${Math.round(v * 1e6)} µs`;
  return v < 1 ? `${plain(round(v * 1e3))} ms` : `${plain(v)} s`;
}
