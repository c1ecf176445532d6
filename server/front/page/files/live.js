// What the server does now, from /metrics and /health, once a second while it is
// looked at.

import { el } from "./dom.js";
import { getText, getJSON, Failure } from "./api.js";
import { readMetrics, total, quantile } from "./prom.js";
import { Plot, seconds } from "./plots.js";

const SECOND = 1000;

// Each plot with what it draws of two readings dt seconds apart.
function plots() {
  const rate = (name, keep) => (was, is, dt) => {
    const before = total(was, name, keep), after = total(is, name, keep);
    return after === null ? null : Math.max(0, after - (before ?? 0)) / dt;
  };
  const gauge = (name) => (_, is) => total(is, name);
  const failed = (first) => (was, is, dt) => {
    const seen = rate("weir_http_requests_total", (l) => l.status?.[0] === first)(was, is, dt);
    return seen ?? (is.has("weir_http_requests_total") ? 0 : null); // none of that status yet
  };
  const batch = (was, is) => {
    const grown = (name) => total(is, name) - total(was, name);
    const steps = grown("weir_decode_steps_total");
    if (total(is, "weir_decode_steps_total") === null) return null;
    return steps <= 0 ? 0 : (grown("weir_generation_tokens_total") + grown("weir_prompt_tokens_total")) / steps;
  };
  const percent = (_, is) => {
    const share = total(is, "weir_kv_cache_usage_perc");
    return share === null ? null : 100 * share;
  };
  return [
    [{ title: "Tokens a second", lines: ["generated", "of prompts"] }, rate("weir_generation_tokens_total"), rate("weir_prompt_tokens_total")],
    [{ title: "Requests", lines: ["running", "waiting"], least: 2 }, gauge("weir_num_requests_running"), gauge("weir_num_requests_waiting")],
    [{ title: "Tokens a decode", lines: ["batch"], least: 2 }, batch],
    [{ title: "KV cache in use", lines: ["in use"], unit: "%", least: 100, bad: (v) => v > 95 }, percent],
    [{ title: "Errors a second", lines: ["server", "client"], bad: (v) => v > 0 }, failed("5"), failed("4")],
  ].map(([spec, ...values]) => ({ plot: new Plot(spec), values }));
}

/** The panel's live part. */
export class Live {
  /** onHealth gets { state, text } whenever it was asked. */
  constructor(panel, onHealth) {
    this.panel = panel;
    this.onHealth = onHealth;
    this.note = el("p", { class: "aside-text" }, "Waiting for the first figures");
    this.plots = plots();
    this.groups = null; // made when groups are known
    panel.replaceChildren(...this.plots.map((p) => p.plot.node), this.note);
    this.before = null;
    this.turn = 0;
    this.shown = () => true;
    this.refused = false;
    this.timer = null;
    document.addEventListener("visibilitychange", () => this.wake());
    this.wake();
  }

  /** Looks at once: something has changed. */
  wake() {
    clearTimeout(this.timer);
    const turn = ++this.turn; // who was asking stops
    this.before = null;
    this.refused = false;
    if (!document.hidden) this.look(turn);
  }

  async look(turn) {
    const signal = AbortSignal.timeout(5 * SECOND);
    await Promise.all([this.health(turn, signal), this.shown() && !this.refused ? this.metrics(turn, signal) : null]);
    if (turn === this.turn) this.timer = setTimeout(() => this.look(turn), SECOND);
  }

  async health(turn, signal) {
    let health;
    try {
      await getJSON("health", signal);
      health = { state: "ok", text: "" };
    } catch (err) {
      const waits = err.status === 503;
      health = { state: waits ? "wait" : "bad", text: err instanceof Failure ? err.message : "The server does not answer." };
    }
    if (turn === this.turn) this.onHealth(health);
  }

  async metrics(turn, signal) {
    let now;
    try {
      now = { at: performance.now(), figures: readMetrics(await getText("metrics", signal)) };
    } catch (err) {
      if (turn !== this.turn) return;
      this.before = null;
      this.refused = err.status === 401; // until there is another key
      const missing = this.refused ? "The figures need the API key: give it under Parameters." : "There are no figures at the moment.";
      this.tell(missing, true);
      return;
    }
    if (turn !== this.turn) return;
    const was = this.before;
    this.before = now;
    if (was === null) return;
    this.draw(was.figures, now.figures, (now.at - was.at) / SECOND);
  }

  draw(was, is, dt) {
    for (const { plot, values } of this.plots) plot.add(values.map((v) => v(was, is, dt)));
    this.drawGroups(was, is);
    const uptime = total(is, "process_start_time_seconds"), memory = total(is, "process_resident_memory_bytes");
    const parts = [];
    if (uptime !== null) parts.push(`up ${duration(Date.now() / SECOND - uptime)}`);
    if (memory !== null) parts.push(`${Math.round(memory / 2 ** 20)} MiB resident`);
    const stuck = total(is, "weir_engine_stuck_seconds");
    if (stuck) parts.push(`engine stuck for ${seconds(stuck)}`);
    this.tell(parts.join(", "), Boolean(stuck));
  }

  // drawGroups shows how long ready goroutines of each group waited to run.
  drawGroups(was, is) {
    const names = [...new Set((is.get("go_group_wait_seconds_count") || []).map((s) => s.labels.group))].sort();
    if (names.length === 0) return;
    if (this.groups === null || names.join() !== this.groups.names.join()) {
      this.groups?.plot.node.remove();
      const plot = new Plot({ title: "Groups' waits, slowest 1 %", lines: names.slice(0, 4), show: seconds, least: 1e-4, head: (values) => Math.max(...values) });
      this.groups = { names, plot };
      this.panel.insertBefore(plot.node, this.plots.at(-1).plot.node);
    }
    this.groups.plot.add(names.slice(0, 4).map((name) => quantile(was, is, "go_group_wait_seconds", 0.99, (l) => l.group === name) ?? 0));
  }

  tell(text, bad) {
    if (this.note.textContent !== text) this.note.textContent = text;
    this.note.classList.toggle("bad", bad);
  }
}

function duration(s) {
  if (s < 90) return `${Math.max(0, Math.round(s))} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 129600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
}
