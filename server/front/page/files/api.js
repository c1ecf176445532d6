// Speaks to the server: OpenAI's API, by fetch. Addresses are relative to the page,
// so that it works below a prefix of a proxy.

const KEY = "weir.key";

export const key = {
  get: () => sessionStorage.getItem(KEY) || "",
  set: (value) => (value === "" ? sessionStorage.removeItem(KEY) : sessionStorage.setItem(KEY, value)),
};

/** A request that failed: what the server says, and its status (0: none came). */
export class Failure extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

function header(more) {
  return key.get() === "" ? more : { ...more, Authorization: "Bearer " + key.get() };
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: header(options.headers || {}), cache: "no-store", credentials: "omit" });
  } catch (err) {
    if (err.name === "AbortError") throw err;
    throw new Failure("The server cannot be reached.", 0);
  }
  if (!answer.ok) throw new Failure(await reason(answer), answer.status);
  return answer;
}

async function reason(answer) {
  const text = await answer.text().catch(() => "");
  try {
    const { error } = JSON.parse(text);
    if (typeof error?.message === "string") return error.message;
  } catch { /* no JSON */ }
  return text.slice(0, 300) || `The server answered with status ${answer.status}.`;
}

export const getText = async (path, signal) => (await ask(path, { signal })).text();
export const getJSON = async (path, signal) => (await ask(path, { signal })).json();

/** Streams a chat: calls each with every chunk, until the end. */
export async function streamChat(body, signal, each) {
  const answer = await ask("v1/chat/completions", {
    method: "POST", signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  let over = false;
  for await (const data of events(answer.body)) {
    if (data === "[DONE]") { over = true; continue; } // the rest is read, so that the connection is kept
    let chunk;
    try { chunk = JSON.parse(data); } catch { throw new Failure("The server sent something that is no JSON.", 200); }
    if (chunk.error) throw new Failure(chunk.error.message || "The server failed in mid-answer.", 200);
    each(chunk);
  }
  if (!over) throw new Failure("The answer broke off: the connection was lost.", 0);
}

/** The data of each event of a text/event-stream. */
export async function* events(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "", data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      let end;
      const held = rest.endsWith("\r") ? rest.length - 1 : rest.length; // its LF may follow
      let from = 0;
      while ((end = lineEnd(rest, from, held)) >= 0) {
        const line = rest.slice(from, end);
        from = end + (rest[end] === "\r" && rest[end + 1] === "\n" ? 2 : 1);
        if (line === "") {
          if (data.length > 0) yield data.join("\n");
          data = [];
        } else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      }
      rest = rest.slice(from);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function lineEnd(text, from, held) {
  const lf = text.indexOf("\n", from), cr = text.indexOf("\r", from);
  const end = lf < 0 ? cr : cr < 0 ? lf : Math.min(lf, cr);
  return end < held ? end : -1;
}
