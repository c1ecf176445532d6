package load

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"strings"
)

// Request is what each request asks for. The streams differ in their prompt
// and seed, so that no two generations are the same.
type Request struct {
	Model  string
	Prompt string // request n sends Prompt followed by " n"
	// NumberFirst has n come before the prompt: no two begin alike.
	NumberFirst bool
	MaxTokens   int
	Sampling    Sampling
	// StopAtEnd lets a generation end where the model ends it. Otherwise it
	// has exactly MaxTokens.
	StopAtEnd bool
	// Logprobs, if not nil, asks for log-probabilities, and for so many of the
	// likeliest tokens.
	Logprobs *int
	// Schema, if not empty, is a JSON schema that the answer is held to.
	Schema json.RawMessage
}

// Sampling chooses how tokens are drawn; request n uses Seed + n.
type Sampling struct {
	Temperature float64
	TopK        int
	TopP        float64
	MinP        float64
	Seed        uint32
}

// DefaultSampling is what llama.cpp samples with by default.
var DefaultSampling = Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, Seed: 1}

// AddFlags adds flags that set it, but for the seed; what it holds is their default.
func (s *Sampling) AddFlags(flags *flag.FlagSet) {
	flags.Float64Var(&s.Temperature, "temperature", s.Temperature, "sampling")
	flags.IntVar(&s.TopK, "top-k", s.TopK, "sampling")
	flags.Float64Var(&s.TopP, "top-p", s.TopP, "sampling")
	flags.Float64Var(&s.MinP, "min-p", s.MinP, "sampling")
}

// NumberedPrompt returns the prompt of request n.
func (r Request) NumberedPrompt(n int) string {
	if r.NumberFirst {
		return fmt.Sprintf("%d %s", n, r.Prompt)
	}
	return fmt.Sprintf("%s %d", r.Prompt, n)
}

// body encodes request n for a chat or completions endpoint.
func (r Request) body(n int, chat bool) ([]byte, error) {
	fields := map[string]any{
		"max_tokens":     r.MaxTokens,
		"stream":         true,
		"stream_options": map[string]any{"include_usage": true},
		"temperature":    r.Sampling.Temperature,
		"top_k":          r.Sampling.TopK,
		"top_p":          r.Sampling.TopP,
		"min_p":          r.Sampling.MinP,
		"seed":           r.Sampling.Seed + uint32(n),
		"ignore_eos":     !r.StopAtEnd,
	}
	if r.Model != "" {
		fields["model"] = r.Model
	}
	if r.Logprobs != nil && chat {
		fields["logprobs"], fields["top_logprobs"] = true, *r.Logprobs
	} else if r.Logprobs != nil {
		fields["logprobs"] = *r.Logprobs
	}
	if len(r.Schema) > 0 {
		fields["response_format"] = map[string]any{
			"type": "json_schema", "json_schema": map[string]any{"name": "answer", "strict": true, "schema": r.Schema},
		}
	}
	if prompt := r.NumberedPrompt(n); chat {
		fields["messages"] = []map[string]string{{"role": "user", "content": prompt}}
	} else {
		fields["prompt"] = prompt
	}
	return json.Marshal(fields)
}

// target is a parsed URL.
type target struct {
	address string // host:port
	host    string // of the Host header
	path    string
	chat    bool
}

func parseTarget(text string) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, fmt.Errorf("load: parse URL: %w", err)
	}
	if u.Scheme != "http" || u.Host == "" {
		return target{}, fmt.Errorf("load: parse URL %q: give http://host:port/path; TLS is not supported", text)
	}
	t := target{address: u.Host, host: u.Host, path: u.RequestURI(), chat: strings.HasSuffix(u.Path, "/chat/completions")}
	if u.Port() == "" {
		t.address = u.Hostname() + ":80"
	}
	return t, nil
}

// message is the whole of an HTTP request.
func (t target) message(body []byte, apiKey string, header map[string]string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", t.path, t.host, len(body))
	if apiKey != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", apiKey)
	}
	for name, value := range header {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	b.WriteString("\r\n")
	b.Write(body)
	return []byte(b.String())
}
