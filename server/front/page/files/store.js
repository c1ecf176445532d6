// Conversations and settings, kept in the browser. A conversation is
//   { id, title, named, at, messages: [{ role, content, reasoning, calls, callID, figures, fault, ended }] }
// with calls as [{ id, name, arguments }]. Each has a place of its own, so that
// writing one does not write all.

const CHAT = "weir.chat.", CURRENT = "weir.current", SETTINGS = "weir.settings";

let full = () => {};

/** What is called when the browser keeps nothing more. */
export function onFull(act) { full = act; }

function put(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    full();
  }
}

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null; // spoilt from outside
  }
}

const text = (v) => (typeof v === "string" ? v : "");

function cleanMessage(m) {
  if (m === null || typeof m !== "object" || !["user", "assistant", "tool"].includes(m.role)) return null;
  const clean = { role: m.role, content: text(m.content) };
  for (const name of ["reasoning", "callID", "fault", "ended"]) if (text(m[name]) !== "") clean[name] = m[name];
  if (Array.isArray(m.calls)) {
    const calls = m.calls.filter((c) => c !== null && typeof c === "object");
    clean.calls = calls.map((c) => ({ id: text(c.id), name: text(c.name), arguments: text(c.arguments) }));
  }
  if (m.figures !== null && typeof m.figures === "object") {
    const { tokens, seconds, first } = m.figures;
    if ([tokens, seconds, first].every(Number.isFinite)) clean.figures = { tokens, seconds, first };
  }
  return clean;
}

// clean makes a conversation of what was read, or null: files come from anywhere.
function clean(c) {
  if (c === null || typeof c !== "object" || !Array.isArray(c.messages)) return null;
  return {
    id: /^[\w-]{1,64}$/.test(text(c.id)) ? c.id : freshID(),
    title: text(c.title).slice(0, 200) || "Conversation",
    named: c.named === true,
    at: Number.isFinite(c.at) ? c.at : Date.now(),
    messages: c.messages.map(cleanMessage).filter((m) => m !== null),
  };
}

// crypto.randomUUID is not there on a page by plain HTTP; this is.
function freshID() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

export function newChat() {
  return { id: freshID(), title: "New conversation", named: false, at: Date.now(), messages: [] };
}

/** All conversations, the newest first. */
export function chats() {
  const out = [];
  for (let i = 0; i < localStorage.length; i++) {
    const name = localStorage.key(i);
    const chat = name.startsWith(CHAT) ? clean(read(name)) : null;
    if (chat !== null) out.push(chat);
  }
  return out.sort((a, b) => b.at - a.at);
}

export function saveChat(chat) { put(CHAT + chat.id, JSON.stringify(chat)); }
export function removeChat(id) { localStorage.removeItem(CHAT + id); }
export const currentID = () => localStorage.getItem(CURRENT);
export const setCurrentID = (id) => put(CURRENT, id);

export function exported(list) { return JSON.stringify({ format: "weir-conversations", version: 1, conversations: list }, null, 2); }

/** Reads a file of conversations and keeps them; one that is there already gets
 * another name. Throws what is wrong with the file. */
export function imported(source) {
  let file;
  try { file = JSON.parse(source); } catch { throw new Error("That file is no JSON."); }
  if (file?.format !== "weir-conversations" || !Array.isArray(file.conversations)) throw new Error("That file holds no conversations of this page.");
  const known = new Set(chats().map((c) => c.id));
  const taken = file.conversations.map(clean).filter((c) => c !== null);
  for (const chat of taken) {
    if (known.has(chat.id)) chat.id = freshID();
    known.add(chat.id);
    saveChat(chat);
  }
  return taken;
}

export function settings() {
  const kept = read(SETTINGS);
  return kept !== null && typeof kept === "object" && !Array.isArray(kept) ? kept : {};
}
export function saveSettings(value) { put(SETTINGS, JSON.stringify(value)); }

/** Calls act when another tab changed the conversations. */
export function onElsewhere(act) {
  addEventListener("storage", (e) => { if (e.key === null || e.key.startsWith(CHAT)) act(); });
}
