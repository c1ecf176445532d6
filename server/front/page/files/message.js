// How a message looks. What the model said is rendered as nodes, never as markup.

import { el, toolButton, copyText } from "./dom.js";
import { markdown, codeBlock } from "./markdown.js";

const names = { user: "You", assistant: "Model", tool: "Tool" };

/** What a model thought in its text, and the rest: some servers leave it there. */
export function splitThought(message) {
  const content = message.content;
  const begin = content.match(/^\s*<think>/);
  if (message.reasoning || !begin) return { thought: message.reasoning || "", text: content };
  const end = content.indexOf("</think>");
  if (end < 0) return { thought: content.slice(begin[0].length).trim(), text: "" };
  return { thought: content.slice(begin[0].length, end).trim(), text: content.slice(end + "</think>".length).trimStart() };
}

function pretty(source) {
  try { return JSON.stringify(JSON.parse(source), null, 2); } catch { return null; }
}

// rendered is an answer's text: JSON as such, all else as Markdown.
function rendered(text, streaming) {
  if (/^\s*[{[]/.test(text)) {
    const whole = streaming ? text : pretty(text);
    if (whole !== null && (!streaming || /^\s*(\{\s*"|\{\s*$|\[\s*[{["\d])/.test(text))) return codeBlock(whole, "json");
  }
  return markdown(text);
}

/** A message on the page. acts are what its buttons do: edit, remove, again,
 * answer(call, text), answered(call). */
export class MessageView {
  constructor(message, acts) {
    this.message = message;
    this.acts = acts;
    this.head = el("div", { class: "who" }, names[message.role]);
    this.thoughtText = el("div", { class: "text" });
    this.thoughtName = el("summary", {}, "Thought");
    this.thought = el("details", { class: "thought", hidden: true }, this.thoughtName, this.thoughtText);
    this.body = el("div", { class: "body" + (message.role === "user" ? "" : " prose") });
    this.calls = el("div");
    this.tail = el("div");
    this.foot = el("div", { class: "foot" });
    this.node = el("article", { class: "message", "data-role": message.role, tabindex: "-1", "aria-label": names[message.role] },
      this.head, this.thought, this.body, this.calls, this.tail, this.foot);
    this.update(false);
  }

  /** Draws the message anew; streaming says that more comes. */
  update(streaming) {
    const { message } = this;
    const { thought, text } = message.role === "assistant" ? splitThought(message) : { thought: "", text: message.content };
    this.node.setAttribute("aria-busy", String(streaming));
    this.thought.hidden = thought === "";
    if (this.thoughtText.textContent !== thought) this.thoughtText.textContent = thought;
    this.thoughtName.textContent = streaming && text === "" ? "Thinking" : "Thought";
    if (message.role === "user") this.body.textContent = text;
    else this.body.replaceChildren(rendered(text, streaming));
    this.body.hidden = text === "" && message.role === "assistant";
    this.drawCalls(streaming);
    this.drawTail(streaming, text === "" && !message.calls?.length);
    this.drawFoot(streaming);
  }

  drawCalls(streaming) {
    const calls = this.message.calls || [];
    this.calls.replaceChildren(...calls.map((call) => el("div", { class: "call" },
      el("div", { class: "head" }, "calls", el("b", {}, call.name || "…")),
      el("pre", { tabindex: "0" }, el("code", {}, pretty(call.arguments) ?? call.arguments)),
      streaming || this.acts.answered(call) ? null : this.replyTo(call))));
  }

  replyTo(call) {
    const field = el("textarea", { rows: "1", placeholder: "What the tool returned", "aria-label": `What ${call.name} returned` });
    return el("form", { class: "reply", submit: (e) => { e.preventDefault(); this.acts.answer(call, field.value); } },
      field, el("button", { type: "submit", class: "button" }, "Answer"));
  }

  drawTail(streaming, nothing) {
    const { message } = this;
    this.tail.replaceChildren();
    if (streaming && nothing) this.tail.append(el("div", { class: "waiting", "aria-hidden": "true" }, el("i"), el("i"), el("i")));
    if (streaming) return;
    if (message.fault) this.tail.append(el("p", { class: "fault" }, message.fault));
    if (message.ended) this.tail.append(el("p", { class: "ended" }, message.ended));
  }

  drawFoot(streaming) {
    const { message, acts } = this;
    if (streaming) { this.foot.replaceChildren(); return; }
    const text = message.role === "assistant" ? splitThought(message).text : message.content;
    const copy = toolButton("copy", "Copy the message", () => copyText(text, copy));
    const buttons = [toolButton("edit", "Edit the message", () => this.edit())];
    if (text !== "") buttons.unshift(copy);
    if (message.role === "assistant") buttons.push(toolButton("again", "Answer again", acts.again));
    buttons.push(toolButton("remove", "Delete the message", acts.remove));
    this.foot.replaceChildren(...buttons, figures(message.figures));
  }

  /** Puts a field in place of the text. What is said anew is asked anew. */
  edit() {
    const { message } = this;
    const field = el("textarea", { "aria-label": "The message", value: message.content });
    const close = () => { this.update(false); this.node.focus(); };
    const editor = el("form", {
      class: "editor",
      submit: (e) => { e.preventDefault(); if (field.value.trim() !== "") this.acts.edit(field.value); },
      keydown: (e) => {
        if (e.key === "Escape") { e.stopPropagation(); close(); }
        if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); e.stopPropagation(); editor.requestSubmit(); }
      },
    }, field, el("div", { class: "acts" },
      el("button", { type: "submit", class: "button main-action" }, message.role === "user" ? "Send again" : "Keep"),
      el("button", { type: "button", class: "button", click: close }, "Cancel")));
    this.body.hidden = false;
    this.body.replaceChildren(editor);
    this.foot.replaceChildren();
    field.style.height = Math.min(field.scrollHeight + 4, 400) + "px";
    field.focus();
  }
}

function figures(f) {
  if (!f || f.tokens === 0) return "";
  const parts = [f.tokens === 1 ? "1 token" : `${f.tokens} tokens`], rate = (f.tokens - 1) / f.seconds;
  if (rate > 0 && Number.isFinite(rate)) parts.push(`${rate.toFixed(rate < 100 ? 1 : 0)} a second`);
  parts.push(`first after ${f.first < 1 ? Math.round(f.first * 1000) + " ms" : f.first.toFixed(1) + " s"}`);
  return el("span", { class: "figures" }, parts.join(" · "));
}
