// Markdown as nodes: what models write of CommonMark and GitHub's tables. Blocks are
// found line by line, spans by one look at each character; no expression
// backtracks. HTML in a text stays text. Pictures become links: nothing is fetched.

import { el, copyText } from "./dom.js";
import { spans } from "./spans.js";

const DEEPEST = 12; // lists and quotes in each other; deeper ones are text

/** Renders text into nodes. */
export function markdown(text) {
  const out = document.createDocumentFragment();
  blocks(text.split(lineBreak), out, 0);
  return out;
}

// A dot in an expression stands for none of these.
const lineBreak = /\r\n?|[\n\u2028\u2029]/;
const fence = /^ {0,3}(`{3,}(?!`)|~{3,}(?!~))([^`]*)$/;
const heading = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const rule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const quote = /^ {0,3}> ?/;
const item = /^( {0,3})([-*+]|\d{1,9}[.)])(?:([ \t]+)(.*))?$/;
const indented = /^(?: {4}|\t)/;
const blank = (line) => line.trim() === "";

function blocks(lines, out, depth) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (blank(line)) { at++; continue; }
    const next = code(lines, at, out) || simple(line, at, out) || nested(lines, at, out, depth) || table(lines, at, out);
    at = next || paragraph(lines, at, out, depth);
  }
}

// Each of these takes a block that begins at a line and returns the line behind it,
// or 0 if none begins there.

function code(lines, at, out) {
  const begin = lines[at].match(fence);
  if (begin) {
    const mark = begin[1], taken = [];
    let end = at + 1;
    for (; end < lines.length; end++) {
      const close = lines[end].trim();
      if (close.length >= mark.length && close === mark[0].repeat(close.length)) break;
      taken.push(lines[end]);
    }
    out.append(codeBlock(taken.join("\n"), begin[2].trim().split(/\s/, 1)[0]));
    return end + 1;
  }
  if (!indented.test(lines[at])) return 0;
  let end = at, last = at;
  for (; end < lines.length && (indented.test(lines[end]) || blank(lines[end])); end++) if (!blank(lines[end])) last = end;
  out.append(codeBlock(lines.slice(at, last + 1).map((l) => l.replace(indented, "")).join("\n"), ""));
  return last + 1;
}

function simple(line, at, out) {
  const title = line.match(heading);
  if (title) {
    const node = el("h" + title[1].length);
    spans((title[2] || "").replace(/[ \t]#+[ \t]*$/, "").trim(), node);
    out.append(node);
    return at + 1;
  }
  if (rule.test(line)) {
    out.append(el("hr"));
    return at + 1;
  }
  return 0;
}

function nested(lines, at, out, depth) {
  if (depth >= DEEPEST) return 0;
  if (quote.test(lines[at])) {
    const inner = [];
    for (; at < lines.length && quote.test(lines[at]); at++) inner.push(lines[at].replace(quote, ""));
    const node = el("blockquote");
    blocks(inner, node, depth + 1);
    out.append(node);
    return at;
  }
  return item.test(lines[at]) ? list(lines, at, out, depth) : 0;
}

function list(lines, at, out, depth) {
  const first = lines[at].match(item);
  const ordered = /\d/.test(first[2][0]);
  const node = el(ordered ? "ol" : "ul");
  if (ordered && parseInt(first[2], 10) !== 1) node.setAttribute("start", String(parseInt(first[2], 10)));
  const kind = first[2].at(-1);
  while (at < lines.length) {
    const mark = lines[at].match(item);
    if (!mark || mark[2].at(-1) !== kind || rule.test(lines[at])) break;
    const gap = (mark[3] || " ").replace(/\t/g, "    ").length;
    const width = mark[1].length + mark[2].length + (gap > 4 ? 1 : gap);
    const inner = [mark[4] || ""];
    let loose = false;
    for (at++; at < lines.length; at++) {
      const line = lines[at];
      if (blank(line)) { loose = true; inner.push(""); continue; }
      const lead = line.length - line.trimStart().length;
      if (lead >= width || line[0] === "\t") inner.push(line[0] === "\t" ? line.slice(1) : line.slice(width));
      else if (lead >= 2 && item.test(line.trimStart())) inner.push(line.trimStart()); // as most write lists in lists
      else if (!loose && !item.test(line) && !interrupts(line)) inner.push(line); // a paragraph goes on
      else break;
    }
    const entry = el("li");
    blocks(inner, entry, depth + 1);
    tighten(entry);
    node.append(entry);
  }
  out.append(node);
  return at;
}

// tighten takes the paragraph around an item that has but one.
function tighten(entry) {
  const first = entry.firstElementChild;
  if (first?.tagName === "P" && ![...entry.children].slice(1).some((c) => c.tagName === "P")) first.replaceWith(...first.childNodes);
}

function cells(line) {
  const out = [];
  let cell = "";
  const text = line.trim().replace(/^\|/, "");
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\" && text[i + 1] === "|") { cell += "|"; i++; }
    else if (text[i] === "|") { out.push(cell.trim()); cell = ""; }
    else cell += text[i];
  }
  if (cell.trim() !== "") out.push(cell.trim());
  return out;
}

function table(lines, at, out) {
  if (!lines[at].includes("|") || at + 1 >= lines.length) return 0;
  const under = lines[at + 1];
  if (!under.includes("-") || !/^[\s|:-]+$/.test(under)) return 0;
  const heads = cells(lines[at]), marks = cells(under);
  if (heads.length === 0 || heads.length !== marks.length) return 0;
  const sides = marks.map((m) => (m.endsWith(":") ? (m.startsWith(":") ? "center" : "right") : null));
  const row = (tag, texts) => {
    const node = el("tr", {}, ...texts.slice(0, heads.length).map((text, i) => {
      const cell = el(tag, { class: sides[i] });
      spans(text, cell);
      return cell;
    }));
    const left = heads.length - texts.length; // one cell for all: a short row makes no more than it has
    if (left > 0) node.append(el(tag, { colspan: String(left) }));
    return node;
  };
  const body = el("tbody");
  const node = el("table", {}, el("thead", {}, row("th", heads)), body);
  for (at += 2; at < lines.length && lines[at].includes("|") && !blank(lines[at]); at++) body.append(row("td", cells(lines[at])));
  out.append(el("div", { class: "scroll" }, node));
  return at;
}

function interrupts(line) {
  return fence.test(line) || heading.test(line) || rule.test(line) || quote.test(line);
}

function paragraph(lines, at, out, depth) {
  const taken = [lines[at++]];
  for (; at < lines.length && !blank(lines[at]); at++) {
    const line = lines[at];
    if (interrupts(line) && depth < DEEPEST) break;
    const mark = line.match(item);
    if (mark && mark[4] && depth < DEEPEST && (!/\d/.test(mark[2]) || /^1[.)]$/.test(mark[2]))) break;
    taken.push(line);
  }
  const node = el("p");
  spans(taken.map((l) => l.trimStart()).join("\n").trimEnd(), node);
  out.append(node);
  return at;
}

/** A block of code under its language, with a button that copies it. */
export function codeBlock(text, language) {
  const copy = el("button", { type: "button", class: "quiet", "aria-label": "Copy the code", click: () => copyText(text, copy) }, "Copy");
  return el("div", { class: "code" },
    el("div", { class: "head" }, el("span", {}, language || "text"), copy),
    el("pre", { tabindex: "0" }, el("code", {}, text)));
}
