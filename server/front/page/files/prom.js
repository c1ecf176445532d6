// Reads what /metrics says: Prometheus's text format, version 0.0.4.

const sample = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;

/** The samples by name: Map of name to [{ labels, value }]. Lines that are none are
 * passed over. */
export function readMetrics(text) {
  const out = new Map();
  for (const line of text.split("\n")) {
    if (line === "" || line[0] === "#") continue;
    const found = line.match(sample);
    if (!found) continue;
    const value = number(found[3]), labels = readLabels(found[2] || "");
    if (Number.isNaN(value) || labels === null) continue;
    if (!out.has(found[1])) out.set(found[1], []);
    out.get(found[1]).push({ labels, value });
  }
  return out;
}

function number(text) {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

const escapes = { n: "\n", "\\": "\\", '"': '"' };

function readLabels(text) {
  const labels = {};
  for (let i = 0; i < text.length;) {
    const name = text.slice(i).match(/^\s*([A-Za-z_]\w*)\s*=\s*"/);
    if (!name) return text.slice(i).trim() === "" ? labels : null;
    i += name[0].length;
    let value = "";
    for (; i < text.length && text[i] !== '"'; i++) {
      if (text[i] === "\\") value += escapes[text[++i]] ?? "\\" + text[i];
      else value += text[i];
    }
    if (text[i] !== '"') return null;
    labels[name[1]] = value;
    const comma = text.slice(++i).match(/^\s*,/);
    i += comma ? comma[0].length : 0;
  }
  return labels;
}

/** The sum of a metric's samples that keep says yes to; null without any. */
export function total(metrics, name, keep = () => true) {
  const some = (metrics.get(name) || []).filter((s) => keep(s.labels));
  return some.length === 0 ? null : some.reduce((sum, s) => sum + s.value, 0);
}

/** The quantile of what a histogram counted between two readings; null if nothing.
 * It is the upper bound of the bucket that holds it. */
export function quantile(before, after, name, q, keep) {
  const at = (m) => new Map((m.get(name + "_bucket") || []).filter((s) => keep(s.labels)).map((s) => [number(s.labels.le), s.value]));
  const old = at(before);
  const grown = [...at(after)].map(([le, n]) => [le, n - (old.get(le) || 0)]).sort((a, b) => a[0] - b[0]);
  const all = grown.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  const found = grown.find(([, n]) => n >= q * all)[0];
  return found === Infinity ? grown.at(-2)?.[0] ?? null : found;
}
