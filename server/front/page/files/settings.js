// The parameters of requests. What is left empty is not sent: the server's own
// default holds then.

import { el } from "./dom.js";
import { key } from "./api.js";
import { settings, saveSettings } from "./store.js";

// Numbers: field, label, lowest, highest, whether whole, the hint in the field.
const numbers = [
  ["temperature", "Temperature", 0, 2, false],
  ["top_p", "Top p", 0, 1, false],
  ["top_k", "Top k", 0, 1e6, true],
  ["min_p", "Min p", 0, 1, false],
  ["max_tokens", "Max tokens", 1, 1e9, true],
  ["seed", "Seed", -1, 2 ** 53 - 1, true, "random"],
];
const penalties = [
  ["presence_penalty", "Presence", -2, 2, false],
  ["frequency_penalty", "Frequency", -2, 2, false],
  ["repeat_penalty", "Repeat", 0, 10, false],
];

let kept = settings();
const wrong = new Set();

function keep(name, value) {
  if (value === "") delete kept[name];
  else kept[name] = value;
  saveSettings(kept);
}

function parsed(source) {
  try { return [JSON.parse(source), null]; } catch (err) { return [null, "This is no JSON: " + err.message]; }
}

const checks = {
  schema(value) {
    const [schema, fault] = parsed(value);
    return fault ?? (schema === null || typeof schema !== "object" || Array.isArray(schema) ? "A schema is a JSON object." : "");
  },
  tools(value) {
    const [tools, fault] = parsed(value);
    return fault ?? (Array.isArray(tools) ? "" : "Tools are a JSON array.");
  },
};

// entry is a field under its label, checked at each change.
function entry(name, label, field, check, hint) {
  const id = "set-" + name, noteID = id + "-note";
  const note = el("div", { class: "wrong", id: noteID, hidden: true });
  Object.assign(field, { id, value: kept[name] ?? "" });
  field.setAttribute("aria-describedby", noteID);
  const look = () => {
    const value = field.value.trim();
    const fault = value === "" ? "" : check(value);
    wrong[fault === "" ? "delete" : "add"](label);
    note.textContent = fault;
    note.hidden = fault === "";
    field.setAttribute("aria-invalid", String(fault !== ""));
  };
  field.addEventListener("input", () => { look(); keep(name, field.value.trim() === "" ? "" : field.value); });
  look();
  return el("div", { class: "entry" }, el("label", { class: "label", for: id }, label), field, note, hint ? el("p", { class: "hint" }, hint) : null);
}

function number([name, label, low, high, whole, hint]) {
  const field = el("input", { type: "text", inputmode: whole ? "numeric" : "decimal", autocomplete: "off", placeholder: hint || "default" });
  return entry(name, label, field, (value) => {
    const n = Number(value);
    if (!Number.isFinite(n) || (whole && !Number.isInteger(n))) return whole ? "Give a whole number." : "Give a number.";
    return n < low || n > high ? (n < low ? `Give ${low} or more.` : `Give ${high} or less.`) : "";
  });
}

function keyField(changed) {
  const field = el("input", { type: "password", id: "set-key", autocomplete: "off", spellcheck: "false", placeholder: "none", value: key.get() });
  let typed = null; // half a key is not tried
  field.addEventListener("input", () => {
    key.set(field.value.trim());
    clearTimeout(typed);
    typed = setTimeout(changed, 400);
  });
  return el("div", { class: "entry" }, el("label", { class: "label", for: "set-key" }, "API key"), field,
    el("p", { class: "hint" }, "Kept until this tab is closed."));
}

function group(title, ...fields) { return el("div", { class: "group", role: "group", "aria-label": title }, el("h3", {}, title), ...fields); }

/** Fills the panel. keyChanged is called when there is another key. */
export function showSettings(panel, keyChanged) {
  const plain = () => "";
  const area = (placeholder, code) => el("textarea", { placeholder, spellcheck: String(!code), class: code ? "code-field" : "" });
  const reset = el("button", {
    type: "button", class: "quiet", click: () => { kept = {}; saveSettings(kept); wrong.clear(); panel.replaceChildren(); showSettings(panel, keyChanged); },
  }, "Back to the server's defaults");
  panel.replaceChildren(
    group("Conversation", entry("system", "System message", area("None", false), plain)),
    group("Sampling", el("div", { class: "pairs" }, ...numbers.map(number))),
    group("Penalties", el("div", { class: "pairs" }, ...penalties.map(number))),
    group("Form of the answer", entry("schema", "JSON schema", area('{"type": "object"}', true), checks.schema),
      entry("tools", "Tools", area('[{"type": "function", "function": {"name": "…"}}]', true), checks.tools)),
    group("Access", keyField(keyChanged)),
    reset,
  );
}

/** What is wrong with the parameters, or "". */
export function faults() {
  return wrong.size === 0 ? "" : `Correct the parameters first: ${[...wrong].join(", ")}.`;
}

/** The fields of a request, and the system message. */
export function parameters() {
  const body = {};
  for (const [name] of [...numbers, ...penalties]) if (kept[name] !== undefined) body[name] = Number(kept[name]);
  if (kept.schema) body.response_format = { type: "json_schema", json_schema: { name: "answer", strict: true, schema: JSON.parse(kept.schema) } };
  if (kept.tools) body.tools = JSON.parse(kept.tools);
  return { body, system: kept.system || "" };
}
