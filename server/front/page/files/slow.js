// The requests that kept their clients waiting longest, from /debug/slow, each as a bar
// of where its time went; every few seconds while it is looked at.

import { el, svg } from "./dom.js";
import { getJSON } from "./api.js";
import { seconds } from "./plots.js";

const EVERY = 5000, SHOWN = 8;
const rankings = [["first_token", "Longest to the first token"], ["longest_gap", "Longest between two tokens"]];

// What a part is called where it is shown.
const words = {
  receive: "received", queue: "in the queue", wait: "others' turn", reader: "client behind", prompts: "others' prompts",
  decode: "decode", sampling: "sampling", engine: "around decodes", delayed: "no core", delivery: "on its way",
};

/** The panel's part with the slowest requests. */
export class Slow {
  constructor(panel) {
    this.panel = panel;
    this.note = el("p", { class: "aside-text" });
    this.body = el("div", {});
    panel.replaceChildren(this.body, this.note);
    this.shown = () => true;
    this.turn = 0;
    this.timer = null;
    document.addEventListener("visibilitychange", () => this.wake());
  }

  /** Looks at once if it is looked at. */
  wake() {
    clearTimeout(this.timer);
    const turn = ++this.turn; // who was asking stops
    if (!document.hidden && this.shown()) this.look(turn);
  }

  async look(turn) {
    let all = null, fault = null;
    try {
      all = await getJSON("debug/slow", AbortSignal.timeout(EVERY));
    } catch (err) {
      fault = err;
    }
    if (turn !== this.turn) return;
    this.draw(all, fault);
    if (fault === null || fault.status === 0) this.timer = setTimeout(() => this.look(turn), EVERY);
  }

  draw(all, fault) {
    this.body.replaceChildren(...(all === null ? [] : rankings.map(([name, title]) => ranking(title, name, all[name] || []))));
    const key = fault?.status === 401 ? "This needs the API key: give it under Parameters." : null;
    this.note.textContent = fault ? key || "There is nothing to be had at the moment." : "Of the last ten to twenty minutes.";
    this.note.classList.toggle("bad", fault !== null);
  }
}

function ranking(title, name, requests) {
  const rows = requests.slice(0, SHOWN).map((r) => row(r, name));
  return el("div", { class: "group" }, el("h3", {}, title),
    rows.length === 0 ? el("p", { class: "aside-text" }, "None yet.") : el("ol", { class: "slow" }, ...rows));
}

// row is a request: its whole time up to the first token, or its longest gap.
function row(r, name) {
  const gap = name === "longest_gap" ? r.longest_gap : null;
  const parts = (gap ? gap.parts : untilFirst(r)).filter((p) => p.ms > 0);
  const whole = parts.reduce((sum, p) => sum + p.ms, 0);
  const where = gap ? `, before token ${gap.token}` : "";
  const largest = [...parts].sort((a, b) => b.ms - a.ms).slice(0, 2);
  return el("li", { title: r.id },
    el("div", { class: "head" },
      el("span", {}, `${new Date(r.time).toLocaleTimeString()}, ${r.prompt_tokens} + ${r.completion_tokens} tokens${where}`),
      el("span", { class: "now" }, show(whole))),
    bar(parts, whole),
    el("p", { class: "legend" }, ...largest.map((p) => el("span", { class: "s-" + p.part }, `${words[p.part] || p.part} ${show(p.ms)}`))));
}

// untilFirst is the parts of a request's time up to its first token.
function untilFirst(r) {
  const parts = [];
  for (const phase of r.timeline) {
    if (phase.phase === "decode" || phase.phase === "delivery") break;
    parts.push(...(phase.parts || [{ part: phase.phase, ms: phase.ms }]));
  }
  return parts;
}

function bar(parts, whole) {
  let x = 0;
  const rects = parts.map((p) => {
    const width = (100 * p.ms) / whole;
    const rect = svg("rect", { class: "s-" + p.part, x: x.toFixed(3), y: "0", width: width.toFixed(3), height: "8" });
    x += width;
    return rect;
  });
  const told = parts.map((p) => `${words[p.part] || p.part} ${show(p.ms)}`).join(", ");
  return svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": told }, ...rects);
}

const show = (ms) => seconds(ms / 1000);
