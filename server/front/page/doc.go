// Package page is what a browser gets from the server: a page to chat with the
// model, and beside it what the server does at the moment.
//
// # Model
//
// [Handler] serves index.html at / and, below /ui/, the files that it names: plain
// HTML, CSS and JavaScript modules as they stand in files/, in the binary. There is
// no build step, nothing of anybody else's, and nothing is fetched from elsewhere.
// The page speaks OpenAI's API like any client (v1/chat/completions, streamed), and
// reads /health and /metrics once a second while it is looked at.
//
//	handler, err := front.New(front.Config{Generator: generator, Page: page.Handler()})
//
// What a model says is hostile: it becomes nodes of text, never markup. The content
// security policy forbids inline scripts and styles, other hosts, frames, forms, and,
// by trusted types, all ways of turning a string into markup.
//
// Conversations and parameters stay in the browser (localStorage), the key for as
// long as the tab lives (sessionStorage). Nothing of them is sent but with a request.
//
// # Limits
//
// It needs a browser of 2023 or later. It keeps what localStorage holds, about 5 MiB;
// beyond that it says so and goes on without keeping.
//
// The tests drive it in a headless Chromium, if there is one.
package page
