// The list of conversations: open, rename, delete, save, import.

import { el, icon, byID, download, say } from "./dom.js";
import { exported, imported, removeChat, saveChat } from "./store.js";

export class Rail {
  /** hooks: open(chat), list() the conversations, gone(chat), renamed(chat),
   * imported(chats), fault(text). */
  constructor(hooks) {
    this.hooks = hooks;
    this.list = byID("chats");
    this.current = null;
    this.list.addEventListener("keydown", (e) => this.move(e));
    byID("export-all").addEventListener("click", () => download("weir-conversations.json", exported(hooks.list())));
    const file = byID("import-file");
    byID("import").addEventListener("click", () => file.click());
    file.addEventListener("change", () => this.import(file));
  }

  async import(field) {
    const [file] = field.files;
    field.value = "";
    if (!file) return;
    try {
      const taken = imported(await file.text());
      say(`${taken.length} conversations imported`);
      this.hooks.imported(taken);
    } catch (err) {
      this.hooks.fault(err.message);
    }
  }

  draw(current) {
    this.current = current;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.closest("li")?.dataset.id : null;
    this.list.replaceChildren(...this.hooks.list().map((chat) => this.row(chat)));
    if (focused) this.list.querySelector(`li[data-id="${focused}"] .open`)?.focus();
  }

  row(chat) {
    const now = chat.id === this.current;
    const act = (shape, name, click) => el("button", { type: "button", class: "icon", tabindex: now ? "0" : "-1", "aria-label": `${name} ${chat.title}`, title: name, click }, icon(shape));
    const item = el("li", { "data-id": chat.id, "data-current": now },
      el("button", { type: "button", class: "open", title: chat.title, tabindex: now ? "0" : "-1", "aria-current": now ? "true" : null, click: () => this.hooks.open(chat), dblclick: () => this.rename(chat, item) }, chat.title),
      el("div", { class: "acts" },
        act("edit", "Rename", () => this.rename(chat, item)),
        act("save", "Export", () => download("weir-conversation.json", exported([chat]))),
        act("remove", "Delete", () => this.remove(chat))));
    return item;
  }

  remove(chat) {
    if (chat.messages.length > 0 && !confirm(`Delete "${chat.title}"?`)) return;
    removeChat(chat.id);
    this.hooks.gone(chat);
    this.list.querySelector("[data-current] .open")?.focus();
    say("Conversation deleted");
  }

  rename(chat, item) {
    const field = el("input", { "aria-label": "The conversation's name", maxlength: "200", value: chat.title });
    let over = false;
    const end = (keep) => {
      if (over) return;
      over = true;
      if (keep && field.value.trim() !== "") {
        chat.title = field.value.trim();
        chat.named = true;
        saveChat(chat);
      }
      this.hooks.renamed(chat);
      this.list.querySelector(`li[data-id="${chat.id}"] .open`)?.focus();
    };
    field.addEventListener("keydown", (e) => {
      e.stopPropagation();
      if (e.key === "Enter") end(true);
      if (e.key === "Escape") end(false);
    });
    field.addEventListener("blur", () => end(true));
    item.replaceChildren(field);
    field.select();
  }

  // move goes through the list by the arrows; Delete and F2 do what they do elsewhere.
  move(e) {
    const item = e.target.closest("li");
    if (!item || e.ctrlKey || e.altKey || e.metaKey) return;
    const rows = [...this.list.children], at = rows.indexOf(item);
    const chat = this.hooks.list().find((c) => c.id === item.dataset.id);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[e.key];
    if (to !== undefined) rows[Math.max(0, Math.min(to, rows.length - 1))].querySelector(".open")?.focus();
    else if (e.key === "Delete") this.remove(chat);
    else if (e.key === "F2") this.rename(chat, item);
    else return;
    e.preventDefault();
  }
}
