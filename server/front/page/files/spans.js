// What is within a line of Markdown: code, emphasis, links, breaks.

import { el } from "./dom.js";

const DEEPEST = 8;
const punctuation = /[!-/:-@[-`{-~]/;
const word = /[\p{L}\p{N}_]/u;

/** Appends the spans of a text to a node. Closers that are not there are looked for
 * once each: the work is linear in the text but for nesting, which is bounded. */
export function spans(text, out, depth = 0) {
  const missing = new Set();
  let plain = "";
  const flush = () => { if (plain !== "") { out.append(plain); plain = ""; } };
  for (let i = 0; i < text.length;) {
    const taken = take(text, i, depth, missing);
    if (taken === null) { plain += text[i++]; continue; }
    if (taken.node.tagName === "BR") plain = plain.trimEnd();
    if (typeof taken.node === "string") plain += taken.node;
    else { flush(); out.append(taken.node); }
    i = taken.end;
  }
  flush();
}

function take(text, i, depth, missing) {
  switch (text[i]) {
    case "\\":
      if (text[i + 1] === "\n") return { node: el("br"), end: i + 2 };
      return punctuation.test(text[i + 1] || "") ? { node: text[i + 1], end: i + 2 } : null;
    case "\n": return { node: breakHere(text, i) ? el("br") : "\n", end: i + 1 };
    case "`": return codeSpan(text, i, missing);
    case "*": case "_": case "~": return depth < DEEPEST ? emphasis(text, i, depth, missing) : null;
    case "!": return text[i + 1] === "[" ? link(text, i + 1, depth) : null;
    case "[": return link(text, i, depth);
    case "<": return autolink(text, i);
    case "h": return bareLink(text, i);
    default: return null;
  }
}

function breakHere(text, i) { return text[i - 1] === " " && text[i - 2] === " "; }

function run(text, i) {
  let end = i;
  while (text[end] === text[i]) end++;
  return end - i;
}

// find looks for a mark, and remembers one that is nowhere behind.
function find(text, mark, from, missing) {
  if (missing.has(mark)) return -1;
  const at = text.indexOf(mark, from);
  if (at < 0) missing.add(mark);
  return at;
}

function codeSpan(text, i, missing) {
  const length = run(text, i), mark = "`".repeat(length);
  for (let at = find(text, mark, i + length, missing); at >= 0; at = text.indexOf(mark, at)) {
    const closing = run(text, at);
    if (closing === length) {
      let inner = text.slice(i + length, at).replace(/\n/g, " ");
      if (inner.length > 2 && inner[0] === " " && inner.at(-1) === " ") inner = inner.slice(1, -1);
      return { node: el("code", {}, inner), end: at + length };
    }
    at += closing;
  }
  missing.add(mark);
  return { node: mark, end: i + length };
}

const emphases = { "*": "em", "_": "em", "**": "strong", "__": "strong", "~~": "s" };

function emphasis(text, i, depth, missing) {
  const c = text[i], length = run(text, i);
  const mark = c === "~" ? "~~" : length >= 2 ? c + c : c;
  const within = c === "_" && i > 0 && word.test(text[i - 1]);
  const after = text[i + length];
  if (length < mark.length || length > 3 || within || after === undefined || /\s/.test(after)) return { node: text.slice(i, i + length), end: i + length };
  const from = i + mark.length;
  for (let at = find(text, mark, from + 1, missing), tries = 0; at >= 0 && tries < 32; at = text.indexOf(mark, at + 1), tries++) {
    if (/\s/.test(text[at - 1]) || text[at - 1] === "\\") continue;
    if (mark.length === 1 && (text[at + 1] === c || text[at - 1] === c)) { at += run(text, at) - 1; continue; }
    if (c === "_" && word.test(text[at + mark.length] || "")) continue;
    const close = mark.length === 2 && run(text, at) === 3 ? at + 1 : at; // ***both***
    const node = el(emphases[mark]);
    spans(text.slice(from, close), node, depth + 1);
    return { node, end: close + mark.length };
  }
  return { node: mark, end: from };
}

/** What a link may go to, or null: never a script, nor data. */
export function safeAddress(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // relative ones would lead into this server
  }
}

function anchor(address, fill) {
  const href = safeAddress(address);
  if (href === null) return null;
  const node = el("a", { href, target: "_blank", rel: "noopener noreferrer" });
  fill(node);
  return node;
}

function link(text, i, depth) {
  if (depth >= DEEPEST) return null;
  const middle = i + 1 + text.slice(i + 1, i + 1001).indexOf("](");
  if (middle === i || text.slice(i + 1, middle).includes("[")) return null;
  let open = 1, end = middle + 2;
  for (; end < text.length && end - middle < 2100; end++) {
    if (/\s/.test(text[end])) break;
    if (text[end] === "(") open++;
    else if (text[end] === ")" && --open === 0) break;
  }
  const address = text.slice(middle + 2, end).replace(/^<|>$/g, "");
  if (text[end] !== ")") { // a title
    const title = text.slice(end, end + 300).match(/^\s+(?:"[^"\n]*"|'[^'\n]*')\)/);
    if (!title) return null;
    end += title[0].length - 1;
  }
  const node = anchor(address, (a) => spans(text.slice(i + 1, middle) || address, a, DEEPEST));
  return node === null ? null : { node, end: end + 1 };
}

function autolink(text, i) {
  const found = text.slice(i, i + 2000).match(/^<((?:https?:\/\/|mailto:)[^\s<>]+)>/);
  const node = found && anchor(found[1], (a) => a.append(found[1]));
  return node ? { node, end: i + found[0].length } : null;
}

// without takes marks off the end of a text.
function without(text, marks) {
  let end = text.length;
  while (end > 0 && marks.includes(text[end - 1])) end--;
  return text.slice(0, end);
}

function bareLink(text, i) {
  if (i > 0 && word.test(text[i - 1])) return null;
  if (!text.startsWith("http://", i) && !text.startsWith("https://", i)) return null;
  let address = without(text.slice(i, i + 2000).match(/^[^\s<>"'`|\\]+/)[0], ".,;:!?*_~");
  if (!address.includes("(")) address = without(address, ")");
  const node = anchor(address, (a) => a.append(address));
  return node === null || address.length < 10 ? null : { node, end: i + address.length };
}
