// Makes nodes. Text is always text: nothing here, or anywhere in the page, turns a
// string into markup, and the content security policy forbids it.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. Attributes that are functions listen to the event of their
 * name, true is an attribute without a value, null and false are none. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else if (name === "class") node.className = value;
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Strokes on a grid of 24.
const strokes = {
  menu: "M4 7h16M4 12h16M4 17h10",
  panel: "M4 6h9M17 6h3M4 12h3M11 12h9M4 18h11M19 18h1M15 4v4M9 10v4M17 16v4",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M8 8h8v8H8z",
  copy: "M9 9h10v10H9zM5 15V5h10",
  done: "M5 13l4 4L19 7",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  again: "M19 12a7 7 0 1 1-2-5M19 4v4h-4",
  save: "M12 4v10M8 11l4 4 4-4M5 19h14",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 3v1.500M12 19.500V21M3 12h1.500M19.500 12H21M5.600 5.600l1 1M17.400 17.400l1 1M18.400 5.600l-1 1M6.600 17.400l-1 1",
  dark: "M19 14A7.500 7.500 0 0 1 10 5a7.500 7.500 0 1 0 9 9z",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
};

export function icon(name) {
  return svg("svg", {
    viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.8",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", focusable: "false",
  }, svg("path", { d: strokes[name] }));
}

/** A small button below a message; what it does is its name. */
export function toolButton(shape, name, act, label = "") {
  return el("button", { type: "button", class: "tool", "aria-label": name, title: name, click: act }, icon(shape), label);
}

export const byID = (id) => document.getElementById(id);

const spoken = byID("spoken");

/** Says something to who listens to the page instead of seeing it. */
export function say(text) { spoken.textContent = text; }

/** Copies text, and shows on the button that it is done. */
export async function copyText(text, button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = copyBySelection(text); // no clipboard where the page came by plain HTTP
  }
  say(done ? "Copied" : "The browser does not let this page copy");
  if (!done) return;
  const shape = button.querySelector("svg");
  if (shape === null) {
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1200);
    return;
  }
  const mark = icon("done");
  shape.replaceWith(mark);
  setTimeout(() => mark.replaceWith(shape), 1200);
}

function copyBySelection(text) {
  const field = el("textarea", { class: "hidden", "aria-hidden": "true", value: text });
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch { /* done is false */ }
  field.remove();
  focused?.focus();
  return done;
}

/** Gives the browser a file to save. */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
