// Light or dark: as the system has it, until the switch says otherwise.

import { byID, icon } from "./dom.js";

const KEY = "weir.theme";
const names = { system: "as the system", light: "light", dark: "dark" };
const after = { system: "light", light: "dark", dark: "system" };
const dark = matchMedia("(prefers-color-scheme: dark)");

let chosen = localStorage.getItem(KEY);
if (!(chosen in names)) chosen = "system";

function show() {
  const theme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
  document.documentElement.dataset.theme = theme;
  const button = byID("theme");
  button.replaceChildren(icon(chosen));
  button.setAttribute("aria-label", `Colours: ${names[chosen]}. Change to ${names[after[chosen]]}`);
  button.title = `Colours: ${names[chosen]}`;
}

export function startTheme() {
  dark.addEventListener("change", show);
  byID("theme").addEventListener("click", () => {
    chosen = after[chosen];
    try { localStorage.setItem(KEY, chosen); } catch { /* it holds until the page is left */ }
    show();
  });
  show();
}
