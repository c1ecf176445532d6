package attack_test

import (
	"bufio"
	"bytes"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

// soakKinds are what clients do, each again and again.
var soakKinds = []struct {
	name    string
	clients int
	do      func(s *soak, n int) error
}{
	{"answers in a stream", 5, (*soak).stream},
	{"streams that were left", 3, (*soak).leave},
	{"whole answers", 2, (*soak).whole},
	{"large texts tokenised", 2, (*soak).tokenise},
	{"bodies refused", 1, (*soak).refuse},
	{"scrapes", 1, (*soak).scrape},
	{"requests of a key that comes and goes", 1, (*soak).beGuest},
	{"changes of the key file", 1, (*soak).changeKeys},
}

// errNotLetIn is a request that the server has not begun to answer, or refused because
// it ends.
var errNotLetIn = errors.New("not let in")

// soakAnswer is a prompt and what it gives alone.
type soakAnswer struct {
	question             string
	text                 string
	promptTokens, tokens int
}

const (
	soakTokens = 40 // of an answer, at most
	// leastLead is by how much the likeliest token of each place is likelier than the
	// next, as a logarithm: the library rounds differently for batches of different
	// shapes, and a prompt with two tokens that are as likely proves nothing.
	leastLead   = 0.15
	leastKnown  = 6 // prompts without such
	textsToken  = 20_000
	keysEveryMs = 50
)

// learn asks each question alone and keeps those whose answers do not hang by a hair.
func (s *soak) learn() {
	for _, question := range []string{
		"What is Weir?", "What does -np do?", "How do I start the server?", "What is the capital of Peru?", "Hello!", "What is a batch?",
		"What does --keys do?", "Who are you?", "What is a tier?", "What is a group?", "How do I stop the server?", "What is a slot?",
		"What does make soak do?", "Tell me of io_uring.", "What can you not do?", "Which models can I use?",
	} {
		status, body, err := s.ask(http.MethodPost, chatPath, soakTiers[0], soakBody(question, `,"logprobs":true,"top_logprobs":2`))
		if err != nil || status != http.StatusOK {
			s.t.Fatalf("status %d, %v: %s", status, err, body)
		}
		var answer struct {
			Choices []struct {
				Message  struct{ Content string } `json:"message"`
				Logprobs struct {
					Content []struct {
						Top []struct {
							Logprob float64 `json:"logprob"`
						} `json:"top_logprobs"`
					} `json:"content"`
				} `json:"logprobs"`
			} `json:"choices"`
			Usage soakUsage `json:"usage"`
		}
		if err := json.Unmarshal(body, &answer, json.MatchCaseInsensitiveNames(true)); err != nil || len(answer.Choices) != 1 {
			s.t.Fatalf("%v: %s", err, body)
		}
		lead := math.Inf(1)
		for _, place := range answer.Choices[0].Logprobs.Content {
			if len(place.Top) > 1 {
				lead = min(lead, place.Top[0].Logprob-place.Top[1].Logprob)
			}
		}
		if lead >= leastLead {
			s.answers = append(s.answers, soakAnswer{question, answer.Choices[0].Message.Content, answer.Usage.Prompt, answer.Usage.Completion})
		}
	}
	if len(s.answers) < leastKnown {
		s.t.Fatalf("only %d prompts have an answer that does not hang by a hair", len(s.answers))
	}
}

type soakUsage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
}

// soakBody is a greedy chat request.
func soakBody(question, fields string) string {
	text, _ := json.Marshal(question)
	return fmt.Sprintf(`{"messages":[{"role":"user","content":%s}],"temperature":0,"max_tokens":%d%s}`, text, soakTokens, fields)
}

// open sends a request. The error is errNotLetIn where there is no answer, or one that
// says that the server ends.
func (s *soak) open(method, path, name, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+name+"-key")
	request.Header.Set("Content-Type", "application/json")
	response, err := s.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotLetIn, err)
	}
	if response.StatusCode == http.StatusServiceUnavailable {
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		return nil, fmt.Errorf("%w: %s", errNotLetIn, text)
	}
	return response, nil
}

// ask sends a request and reads the whole answer.
func (s *soak) ask(method, path, name, body string) (status int, answer []byte, err error) {
	response, err := s.open(method, path, name, body)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// pick is the n-th prompt, and whose it is.
func (s *soak) pick(n int) (a soakAnswer, name string) {
	return s.answers[n*7%len(s.answers)], soakTiers[n%len(soakTiers)]
}

// stream reads an answer in a stream to its end.
func (s *soak) stream(n int) error {
	a, name := s.pick(n)
	return s.read(a, name, -1)
}

// leave reads the beginning of one, and closes the connection.
func (s *soak) leave(n int) error {
	a, name := s.pick(n)
	return s.read(a, name, 1+n%12)
}

// read reads a stream, its first events or, below 0, all.
func (s *soak) read(a soakAnswer, name string, events int) error {
	response, err := s.open(http.MethodPost, chatPath, name, soakBody(a.question, `,"stream":true,"stream_options":{"include_usage":true}`))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	var text strings.Builder
	var reasons []string
	var usage *soakUsage
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		if string(data) == "[DONE]" {
			return a.check(text.String(), reasons, usage)
		}
		var event struct {
			Choices []struct {
				Delta  struct{ Content string } `json:"delta"`
				Reason string                   `json:"finish_reason"`
			} `json:"choices"`
			Usage *soakUsage `json:"usage"`
			Error any        `json:"error"`
		}
		if err := json.Unmarshal(data, &event, json.MatchCaseInsensitiveNames(true)); err != nil || event.Error != nil {
			return fmt.Errorf("event %s: %w", data, err)
		}
		for _, choice := range event.Choices {
			text.WriteString(choice.Delta.Content)
			if choice.Reason != "" {
				reasons = append(reasons, choice.Reason)
			}
		}
		if event.Usage != nil {
			usage = event.Usage
		}
		if events--; events == 0 {
			if !strings.HasPrefix(a.text, text.String()) {
				return fmt.Errorf("%q began with %q, alone %q", a.question, text.String(), a.text)
			}
			return nil
		}
	}
	return fmt.Errorf("a stream ended after %q without an end: %w", text.String(), lines.Err())
}

// check compares an answer with that which its prompt has alone.
func (a soakAnswer) check(text string, reasons []string, usage *soakUsage) error {
	if text != a.text || len(reasons) != 1 {
		return fmt.Errorf("%q gave %q (%v), alone %q", a.question, text, reasons, a.text)
	}
	if usage == nil || usage.Prompt != a.promptTokens || usage.Completion != a.tokens {
		return fmt.Errorf("%q took %+v tokens, alone %d and %d", a.question, usage, a.promptTokens, a.tokens)
	}
	return nil
}

// whole asks for an answer in one piece.
func (s *soak) whole(n int) error {
	a, name := s.pick(n)
	status, body, err := s.ask(http.MethodPost, chatPath, name, soakBody(a.question, ""))
	if err != nil || status != http.StatusOK {
		return errors.Join(err, fmt.Errorf("status %d: %s", status, body))
	}
	var answer struct {
		Choices []struct {
			Message struct{ Content string } `json:"message"`
			Reason  string                   `json:"finish_reason"`
		} `json:"choices"`
		Usage soakUsage `json:"usage"`
	}
	if err := json.Unmarshal(body, &answer, json.MatchCaseInsensitiveNames(true)); err != nil || len(answer.Choices) != 1 {
		return fmt.Errorf("%w: %s", err, body)
	}
	return a.check(answer.Choices[0].Message.Content, []string{answer.Choices[0].Reason}, &answer.Usage)
}

// tokenise has a large text tokenised.
func (s *soak) tokenise(n int) error {
	text := strings.Repeat("The weir keeps the river. ", textsToken/26)
	status, body, err := s.ask(http.MethodPost, "/tokenize", soakTiers[n%len(soakTiers)], `{"content":"`+text+`"}`)
	if err != nil || status != http.StatusOK || !bytes.HasPrefix(body, []byte(`{"tokens":[`)) {
		return errors.Join(err, fmt.Errorf("status %d: %s", status, tail(body, 200)))
	}
	return nil
}

// refusedBodies are none that a server takes.
var refusedBodies = []string{
	``, `{`, `[]`, `{"messages":1}`, `{"messages":[]}`, `{"messages":[{"role":"user","content":"x"}],"max_tokens":-5}`,
	`{"messages":[{"role":"nobody","content":"x"}]}`, `{"messages":[{"role":"user","content":"x"}],"temperature":"hot"}`,
	`{"messages":[{"role":"user","content":"` + strings.Repeat("word ", 4*contextTokens) + `"}]}`,
}

// refuse sends what is refused.
func (s *soak) refuse(n int) error {
	status, body, err := s.ask(http.MethodPost, chatPath, soakTiers[n%len(soakTiers)], refusedBodies[n%len(refusedBodies)])
	if err != nil {
		return err
	}
	if status != http.StatusBadRequest || !bytes.Contains(body, []byte(`"message"`)) {
		return fmt.Errorf("%s: status %d: %s", shorten(refusedBodies[n%len(refusedBodies)]), status, body)
	}
	return nil
}

// scrape reads the metrics.
func (s *soak) scrape(n int) error {
	status, body, err := s.ask(http.MethodGet, "/metrics", soakTiers[n%len(soakTiers)], "")
	if err != nil || status != http.StatusOK || !bytes.Contains(body, []byte("weir_num_requests_running")) {
		return errors.Join(err, fmt.Errorf("status %d: %s", status, tail(body, 200)))
	}
	return nil
}

// beGuest asks with a key that is there or not: either is answered.
func (s *soak) beGuest(n int) error {
	a, _ := s.pick(n)
	status, body, err := s.ask(http.MethodPost, chatPath, guest, soakBody(a.question, ""))
	if err == nil && !slices.Contains([]int{http.StatusOK, http.StatusUnauthorized}, status) {
		return fmt.Errorf("status %d: %s", status, body)
	}
	return err
}

// changeKeys adds the guest's key to the file or takes it out, has the server read it
// again, and waits until it is in force.
func (s *soak) changeKeys(n int) error {
	with, want := n%2 == 0, http.StatusUnauthorized
	if with {
		want = http.StatusOK
	}
	s.writeKeys(with)
	if err := s.command.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; {
		status, body, err := s.ask(http.MethodGet, "/v1/models", guest, "")
		switch {
		case err != nil:
			return err
		case status == want:
			<-time.After(keysEveryMs * time.Millisecond)
			return nil
		case time.Now().After(end):
			return fmt.Errorf("status %d, want %d: %s", status, want, body)
		}
	}
}
