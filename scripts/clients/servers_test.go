package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// key is what the server of random weights wants of its clients.
const key = "sk-clients"

// serveRandom runs the binary until the test ends, and says where as a variable
// of the environment.
func serveRandom(t *testing.T, weir string, backend iouring.Backend) string {
	t.Helper()
	mode := "net"
	if backend == iouring.BackendURing {
		mode = "uring"
	}
	command := exec.CommandContext(t.Context(), weir, "serve", "-m", llamatest.Model(t), "-a", "tiny", "--strict-model",
		"--port", "0", "--io", mode, "--api-key", key, "-np", "4", "-c", "8192", "-t", "1", "--no-cache-prompt") // the same usage each time it is asked
	command.Env = append(os.Environ(), "LLAMA_LIB="+llamatest.Library(t))
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("%v: run `make build`", err)
	}
	var log bytes.Buffer
	serving, ended := make(chan string, 1), make(chan struct{})
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
		_ = command.Wait()
		if t.Failed() {
			t.Logf("the log of weir serve: %s", log.Bytes())
		}
	})
	go func() {
		defer close(ended)
		for lines := bufio.NewReader(io.TeeReader(stderr, &log)); ; {
			line, err := lines.ReadString('\n')
			if _, rest, ok := strings.Cut(line, "msg=serving url="); ok {
				url, _, _ := strings.Cut(rest, " ")
				serving <- url
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case url := <-serving:
		return "WEIR_RANDOM=" + url
	case <-ended:
	case <-time.After(patience):
	}
	t.Fatalf("weir serve does not: %s", log.Bytes())
	return ""
}

// thinker is a template of a model that thinks and calls tools, in the form of
// hermes.
const thinker = `{% for t in tools or [] %}({{ t.function.name }}){% endfor %}` +
	`{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}` +
	`{% for c in m.tool_calls or [] %}<tool_call>{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}</tool_call>{% endfor %}` +
	`{% endfor %}{% if add_generation_prompt %}[assistant]{% if enable_thinking %}<think>{% endif %}{% endif %}`

// Replies of the scripted model; the files in drive know them too.
const (
	thought = "hm, jä\n</think>"
	spoken  = `Hello, "wörld" €!`
	calling = `I look.<tool_call>{"name":"weather","arguments":{"city":"Köln \"süd\"","days":2}}</tool_call>` +
		`<tool_call>{"name":"weather","arguments":{"city":"Ulm","days":1}}</tool_call>`
	answered = "It rains."
)

// replyTo is what the scripted model says after a prompt: it thinks if it is to,
// calls tools that it has, and answers when it was told what they gave.
func replyTo(prompt string) string {
	reply := spoken
	switch question := prompt[strings.LastIndex(prompt, "[user]")+1:]; {
	case strings.Contains(question, "[tool]"):
		reply = answered
	case strings.HasPrefix(prompt, "(weather)"):
		reply = calling
	}
	if strings.HasSuffix(prompt, "<think>") {
		reply = thought + reply
	}
	return reply
}

// next is the token that the scripted model has after others.
func next(tokens []engine.Token) engine.Token {
	var all strings.Builder
	for _, token := range tokens {
		if token < 256 {
			all.WriteByte(byte(token))
		}
	}
	text, mark := all.String(), "[assistant]"
	at := strings.LastIndex(text, mark)
	if at < 0 {
		return -1
	}
	at += len(mark)
	if strings.HasPrefix(text[at:], "<think>") {
		at += len("<think>")
	}
	reply, said := replyTo(text[:at]), len(text)-at
	if said >= len(reply) {
		return enginetest.EOS
	}
	return engine.Token(reply[said])
}

// serveScripted serves the scripted model until the test ends.
func serveScripted(t *testing.T, backend iouring.Backend) string {
	t.Helper()
	template, err := chat.New(thinker, "", "")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	model := enginetest.New(enginetest.Options{Next: next, ChatTemplate: thinker})
	generator, err := local.New(model, local.Config{
		ID: "scripted", Template: template, Context: engine.ContextConfig{MaxSequences: 4, ContextTokens: 4 * 4096},
		Batching: local.Batching{Log: log, NoPrefixCache: true}, // the same usage each time it is asked
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := front.New(front.Config{
		Generator: generator, Log: log, Streams: fanout.Config{Backend: backend}, Collectors: []prometheus.Collector{generator.Collector()},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnContext = front.ConnContext
	_ = server.Listener.Close()
	listener, err := iouring.Listen("tcp", "127.0.0.1:0", iouring.WithBackend(backend), iouring.WithLogger(log))
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = front.Strict(listener)
	server.Start()
	t.Cleanup(func() {
		server.Close()
		handler.Close()
		if err := errors.Join(generator.Close(), model.Close()); err != nil {
			t.Error(err)
		}
	})
	return "WEIR_SCRIPTED=" + server.URL
}
