// Puts the page together.

import { byID, icon, el } from "./dom.js";
import { getJSON } from "./api.js";
import { ChatView } from "./chat.js";
import { Live } from "./live.js";
import { Slow } from "./slow.js";
import { Rail } from "./rail.js";
import { showSettings } from "./settings.js";
import { chats, currentID, newChat, onElsewhere, onFull, setCurrentID } from "./store.js";
import { startTheme } from "./theme.js";

const shell = byID("shell"), field = byID("composer-text"), notice = byID("notice");

for (const [id, shape] of Object.entries({
  "rail-open": "menu", "rail-close": "close", "panel-open": "panel", "panel-close": "close", send: "send", stop: "stop",
})) byID(id).append(icon(shape));
startTheme();

// What went wrong, until it is closed or something else happens.
function tell(text) {
  notice.hidden = text === "";
  const close = el("button", { type: "button", class: "icon", "aria-label": "Close", click: () => { tell(""); field.focus(); } }, icon("close"));
  notice.replaceChildren(...(text === "" ? [] : [el("span", {}, text), close]));
}
onFull(() => tell("The browser keeps no more: export conversations and delete some. What is said now will be lost when the page is left."));

// Conversations.
let list = chats();
let current = list.find((c) => c.id === currentID()) || list[0] || newChat();
if (!list.includes(current)) list.unshift(current);

const view = new ChatView(byID("log"), {
  changed: (chat) => {
    list = [chat, ...list.filter((c) => c !== chat)];
    if (list.some((c) => c === chat)) showTitles();
  },
  busy: (busy) => { byID("send").hidden = busy; byID("stop").hidden = !busy; fit(); },
  fault: tell,
  needKey: () => { showTab("settings"); setPanel(true); byID("set-key").focus(); },
});

const rail = new Rail({
  open: (chat) => { open(chat); if (narrow()) setRail(false); },
  list: () => list,
  gone: (chat) => {
    view.forget(chat.id);
    list = list.filter((c) => c !== chat);
    if (current === chat) open(list[0] || begin());
    else showTitles();
  },
  renamed: showTitles,
  imported: (taken) => { list = [...taken, ...list]; open(taken[0] || current); },
  fault: tell,
});

function showTitles() {
  byID("chat-title").textContent = current.title;
  document.title = current.messages.length === 0 ? "Weir" : `${current.title} – Weir`;
  rail.draw(current.id);
}

function begin() {
  const unused = list.find((c) => c.messages.length === 0 && !c.named);
  if (unused) return unused;
  const chat = newChat();
  list.unshift(chat);
  return chat;
}

function open(chat) {
  current = chat;
  setCurrentID(chat.id);
  tell("");
  view.open(chat);
  showTitles();
}

byID("new-chat").addEventListener("click", () => { open(begin()); if (narrow()) setRail(false); field.focus(); });
onElsewhere(() => {
  const kept = chats();
  list = kept.map((c) => list.find((old) => old.id === c.id && (old === current || view.running.has(old.id))) || c);
  if (!list.includes(current)) list.unshift(current);
  showTitles();
});

// Writing.
function fit() {
  field.style.height = "auto";
  field.style.height = field.scrollHeight + "px";
  byID("send").disabled = field.value.trim() === "";
}

function send() {
  if (!view.send(field.value)) return;
  tell("");
  field.value = "";
  fit();
}

byID("composer").addEventListener("submit", (e) => { e.preventDefault(); send(); });
byID("stop").addEventListener("click", () => { view.stop(); field.focus(); });
field.addEventListener("input", fit);
field.addEventListener("keydown", (e) => {
  if (e.key === "Enter" && !e.isComposing && !e.shiftKey && (e.ctrlKey || e.metaKey || !matchMedia("(pointer: coarse)").matches)) {
    e.preventDefault();
    send();
  }
  if (e.key === "ArrowUp" && field.value === "" && view.views.length > 0) { e.preventDefault(); view.focus(view.views.length - 1); }
});

// The drawers.
const narrow = () => matchMedia("(max-width: 720px)").matches;
const tight = () => matchMedia("(max-width: 1080px)").matches;
const isOpen = (name) => !shell.classList.contains("no-" + name);

function setDrawer(name, shown, from) {
  shell.classList.toggle("no-" + name, !shown);
  byID(name + "-open").setAttribute("aria-expanded", String(shown));
  byID("veil").hidden = !((narrow() && isOpen("rail")) || (tight() && isOpen("panel")));
  if (!shown && byID(name).contains(document.activeElement)) byID(from).focus();
  live?.wake();
}
const setRail = (shown) => { if (shown && tight()) setDrawer("panel", false, "panel-open"); setDrawer("rail", shown, "rail-open"); };
const setPanel = (shown) => { if (shown && narrow()) setDrawer("rail", false, "rail-open"); setDrawer("panel", shown, "panel-open"); };

byID("rail-open").addEventListener("click", () => { setRail(!isOpen("rail")); if (narrow() && isOpen("rail")) byID("rail-close").focus(); });
byID("rail-close").addEventListener("click", () => { setRail(false); byID("rail-open").focus(); });
byID("panel-open").addEventListener("click", () => { setPanel(!isOpen("panel")); if (tight() && isOpen("panel")) byID("panel-close").focus(); });
byID("panel-close").addEventListener("click", () => { setPanel(false); byID("panel-open").focus(); });
byID("veil").addEventListener("click", closeDrawers);

function closeDrawers() {
  const open = (narrow() && isOpen("rail")) || (tight() && isOpen("panel"));
  if (narrow()) setRail(false);
  if (tight()) setPanel(false);
  return open;
}

addEventListener("keydown", (e) => {
  if (e.key !== "Escape" || e.defaultPrevented || e.isComposing) return;
  if (closeDrawers()) return;
  view.stop();
  if (!notice.hidden) tell("");
});

// The panel's tabs.
const tabs = ["live", "slow", "settings"];
function showTab(name) {
  for (const tab of tabs) {
    byID(tab).hidden = tab !== name;
    byID("tab-" + tab).setAttribute("aria-selected", String(tab === name));
    byID("tab-" + tab).setAttribute("tabindex", tab === name ? "0" : "-1");
  }
  live?.wake();
  slow?.wake();
}
for (const tab of tabs) {
  byID("tab-" + tab).addEventListener("click", () => showTab(tab));
  byID("tab-" + tab).addEventListener("keydown", (e) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (by === undefined) return;
    const other = tabs.at((tabs.indexOf(tab) + by) % tabs.length);
    showTab(other);
    byID("tab-" + other).focus();
  });
}

// The server.
let model = "", refused = false, pending = false, asking = 0;

// askModel learns the model's name. Another key may come while it asks: what was
// asked last counts.
async function askModel() {
  const turn = ++asking;
  pending = true;
  let name = "", fault = null;
  try {
    const { data } = await getJSON("v1/models");
    name = data?.[0]?.id || "the model";
  } catch (err) {
    fault = err;
  }
  if (turn !== asking) return;
  pending = false;
  model = name;
  refused = fault?.status === 401;
  if (refused) tell("This server asks for a key: give it under Parameters.");
}

let live = null, slow = null, was = null;
async function onHealth({ state, text }) {
  if (state === "ok" && !refused && !pending && (was !== "ok" || model === "")) await askModel();
  was = state;
  byID("health-dot").dataset.state = state;
  const shown = state === "ok" ? model || "ready" : text;
  if (byID("health-text").textContent !== shown) byID("health-text").textContent = shown;
}

function keyChanged() {
  asking++; // who asks with the old one is not heard
  refused = pending = false;
  model = "";
  tell("");
  live.wake();
  slow.wake();
}

showSettings(byID("settings"), keyChanged);
setDrawer("rail", !narrow(), "rail-open");
setDrawer("panel", !tight(), "panel-open");
matchMedia("(max-width: 720px)").addEventListener("change", (e) => setDrawer("rail", !e.matches, "rail-open"));
matchMedia("(max-width: 1080px)").addEventListener("change", (e) => setDrawer("panel", !e.matches, "panel-open"));
live = new Live(byID("live"), onHealth);
live.shown = () => isOpen("panel") && !byID("live").hidden;
slow = new Slow(byID("slow"));
slow.shown = () => isOpen("panel") && !byID("slow").hidden;
open(current);
fit();
if (!matchMedia("(pointer: coarse)").matches) field.focus();
