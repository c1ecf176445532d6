// A conversation on the page: asks the server, shows what comes, keeps it.

import { el, say } from "./dom.js";
import { streamChat } from "./api.js";
import { MessageView, splitThought } from "./message.js";
import { faults, parameters } from "./settings.js";
import { saveChat } from "./store.js";

const KEEP_EVERY = 1000; // ms between two savings of an answer that still comes

/** The messages as the API wants them. */
export function wireMessages(messages, system) {
  const out = system === "" ? [] : [{ role: "system", content: system }];
  for (const m of messages) {
    if (m.role === "tool") out.push({ role: "tool", tool_call_id: m.callID || "", content: m.content });
    else if (m.role === "user") out.push({ role: "user", content: m.content });
    else if (m.calls?.length) {
      out.push({ role: "assistant", content: splitThought(m).text, tool_calls: m.calls.map((c) => ({ id: c.id, type: "function", function: { name: c.name, arguments: c.arguments } })) });
    } else if (m.content !== "") out.push({ role: "assistant", content: splitThought(m).text });
  }
  return out;
}

// join adds a chunk of a stream to a message.
export function join(message, chunk) {
  const choice = chunk.choices?.[0];
  const delta = choice?.delta || {};
  message.content += delta.content || "";
  const reasoning = delta.reasoning_content || delta.reasoning;
  if (typeof reasoning === "string") message.reasoning = (message.reasoning || "") + reasoning;
  for (const piece of delta.tool_calls || []) {
    message.calls ??= [];
    const call = (message.calls[piece.index ?? message.calls.length] ??= { id: "", name: "", arguments: "" });
    call.id = piece.id || call.id;
    call.name += piece.function?.name || "";
    call.arguments += piece.function?.arguments || "";
  }
  if (choice?.finish_reason === "length") message.ended = "It ended at the limit of tokens.";
  return Boolean(delta.content || reasoning || delta.tool_calls);
}

export class ChatView {
  /** hooks: changed(chat) when its title or time changed, busy(bool), fault(text),
   * needKey(). */
  constructor(log, hooks) {
    this.log = log;
    this.hooks = hooks;
    this.running = new Map(); // by conversation: { abort, message }
    this.chat = null;
    this.views = [];
    log.addEventListener("keydown", (e) => this.move(e));
    addEventListener("pagehide", () => this.chat && this.running.has(this.chat.id) && saveChat(this.chat));
  }

  open(chat) {
    this.chat = chat;
    this.draw();
    this.log.scrollTop = this.log.scrollHeight;
    this.hooks.busy(this.running.has(chat.id));
  }

  draw() {
    const { chat } = this;
    this.views = chat.messages.map((m) => this.view(m));
    const running = this.running.get(chat.id);
    this.log.replaceChildren(...(this.views.length === 0 ? [empty()] : this.views.map((v) => v.node)));
    this.views.find((v) => v.message === running?.message)?.update(true);
    this.views.at(-1)?.node.setAttribute("tabindex", "0");
  }

  view(message) {
    const { chat } = this;
    const index = () => chat.messages.indexOf(message);
    return new MessageView(message, {
      edit: (text) => this.edit(chat, index(), text),
      remove: () => this.remove(chat, index()),
      again: () => this.again(chat, index()),
      answer: (call, text) => this.answer(chat, index(), call, text),
      answered: (call) => chat.messages.some((m) => m.role === "tool" && m.callID === call.id),
    });
  }

  /** Sends a message; reports false if it cannot be sent now. */
  send(text) {
    const { chat } = this;
    if (text.trim() === "" || this.running.has(chat.id) || !this.ready()) return false;
    chat.messages.push({ role: "user", content: text });
    if (!chat.named && chat.messages.length === 1) chat.title = text.trim().split("\n")[0].slice(0, 60);
    this.generate(chat);
    return true;
  }

  ready() {
    const fault = faults();
    if (fault !== "") this.hooks.fault(fault);
    return fault === "";
  }

  stop() { this.running.get(this.chat?.id)?.abort.abort(); }

  forget(id) {
    this.running.get(id)?.abort.abort();
    this.running.delete(id);
  }

  edit(chat, index, text) {
    const message = chat.messages[index];
    if (message.role === "user" && !this.ready()) return;
    message.content = text;
    if (message.role === "user") {
      this.stop();
      chat.messages.length = index + 1;
      this.generate(chat);
      return;
    }
    this.keep(chat);
    this.views[index].update(false);
    this.views[index].node.focus();
  }

  remove(chat, index) {
    if (this.running.get(chat.id)?.message === chat.messages[index]) this.stop();
    chat.messages.splice(index, 1);
    this.keep(chat);
    this.draw();
    (this.views[index] || this.views.at(-1))?.node.focus();
    say("Message deleted");
  }

  again(chat, index) {
    if (!this.ready()) return;
    this.stop();
    chat.messages.length = index;
    this.generate(chat);
  }

  answer(chat, index, call, text) {
    if (!this.ready()) return;
    let after = index + 1;
    while (chat.messages[after]?.role === "tool") after++;
    chat.messages.splice(after, 0, { role: "tool", content: text, callID: call.id });
    const open = chat.messages[index].calls.some((c) => !chat.messages.some((m) => m.role === "tool" && m.callID === c.id));
    if (open) { this.keep(chat); this.draw(); return; }
    this.stop();
    chat.messages.length = after + 1;
    this.generate(chat);
  }

  keep(chat) {
    chat.at = Date.now();
    saveChat(chat);
    this.hooks.changed(chat);
  }

  /** Asks for the next message of a conversation and shows it as it comes. */
  async generate(chat) {
    const { body, system } = parameters();
    const messages = wireMessages(chat.messages, system);
    const message = { role: "assistant", content: "" };
    const run = { abort: new AbortController(), message, shown: 0, saved: performance.now(), planned: false };
    this.running.set(chat.id, run);
    chat.messages.push(message);
    this.keep(chat);
    if (this.chat === chat) { this.draw(); this.log.scrollTop = this.log.scrollHeight; this.hooks.busy(true); }
    say("The model answers");
    const begin = performance.now();
    let first = 0, tokens = 0;
    try {
      await streamChat({ ...body, messages, stream: true, stream_options: { include_usage: true } }, run.abort.signal, (chunk) => {
        if (run.abort.signal.aborted) return;
        if (join(message, chunk)) { tokens++; first ||= performance.now(); }
        if (chunk.usage) tokens = chunk.usage.completion_tokens;
        this.show(chat, run);
      });
    } catch (err) {
      if (run.abort.signal.aborted) message.ended = "Stopped.";
      else message.fault = err.message;
      if (err.status === 401) this.hooks.needKey();
    }
    if (first > 0) message.figures = { tokens, seconds: (performance.now() - first) / 1000, first: (first - begin) / 1000 };
    this.finish(chat, run);
  }

  // finish shows the end, unless the conversation has gone or asks anew.
  finish(chat, run) {
    if (this.running.get(chat.id) !== run) return;
    this.running.delete(chat.id);
    if (this.chat === chat) this.hooks.busy(false);
    if (!chat.messages.includes(run.message)) return; // deleted
    this.keep(chat);
    if (this.chat !== chat) return;
    this.redraw(run, false);
    const { text } = splitThought(run.message);
    say(run.message.fault || `${run.message.ended || "Answer:"} ${text}`);
  }

  // show draws soon, and less often the longer it takes: a long answer must not take
  // all of the browser's time.
  show(chat, run) {
    const now = performance.now();
    if (now - run.saved > KEEP_EVERY) { run.saved = now; saveChat(chat); }
    if (run.planned || this.chat !== chat) return;
    run.planned = true;
    setTimeout(() => requestAnimationFrame(() => {
      run.planned = false;
      if (this.chat !== chat || this.running.get(chat.id) !== run) return;
      const begin = performance.now();
      this.redraw(run, true);
      run.shown = performance.now() - begin;
    }), run.shown * 5);
  }

  redraw(run, streaming) {
    const view = this.views.find((v) => v.message === run.message);
    const bottom = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    view?.update(streaming);
    if (bottom) this.log.scrollTop = this.log.scrollHeight;
  }

  // move goes from message to message by the arrows.
  move(e) {
    const at = this.views.findIndex((v) => v.node === e.target);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.views.length - 1 }[e.key];
    if (at < 0 || to === undefined || e.ctrlKey || e.altKey || e.metaKey) return;
    e.preventDefault();
    this.focus(to);
  }

  focus(index) {
    const view = this.views.at(Math.max(0, Math.min(index, this.views.length - 1)));
    if (!view) return;
    for (const v of this.views) v.node.setAttribute("tabindex", v === view ? "0" : "-1");
    view.node.focus();
  }
}

function empty() {
  return el("div", { class: "empty" }, el("img", { src: "ui/icon.svg", alt: "", width: "44", height: "44" }),
    el("h2", {}, "Ask the model something"),
    el("p", {}, "What you write goes to this server alone. Conversations stay in this browser."));
}
