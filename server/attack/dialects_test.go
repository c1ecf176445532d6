package attack_test

import (
	"encoding/json"
	"fmt"
	"strings"
)

// anthropicOverloaded is its dialect's status where others have 503.
const anthropicOverloaded = 529

// checkMessage fails for a success of Anthropic's dialect without what it
// promises.
func checkMessage(path string, streamed bool, answer []byte) error {
	if streamed {
		return checkMessageStream(answer)
	}
	var a struct {
		Content     *[]any  `json:"content"`
		StopReason  *string `json:"stop_reason"`
		Usage       *any    `json:"usage"`
		InputTokens int     `json:"input_tokens"`
	}
	err := json.Unmarshal(answer, &a)
	ok := a.Content != nil && a.StopReason != nil && a.Usage != nil
	if strings.HasSuffix(path, "/count_tokens") {
		ok = a.InputTokens > 0
	}
	if err != nil || !ok {
		return fmt.Errorf("status 200 with %q: %v", tail(answer, 500), err)
	}
	return nil
}

// checkMessageStream fails for a stream whose events are not JSON, or not all
// there.
func checkMessageStream(answer []byte) error {
	names := ""
	for frame := range strings.SplitSeq(strings.TrimSuffix(string(answer), "\n\n"), "\n\n") {
		if strings.HasPrefix(frame, ":") {
			continue // a comment, which finds out whether the client is there
		}
		head, data, ok := strings.Cut(frame, "\ndata: ")
		var a struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(data), &a); err != nil || !ok || head != "event: "+a.Type {
			return fmt.Errorf("a stream with the frame %q: %v", frame, err)
		}
		names += a.Type + " "
	}
	if !strings.HasPrefix(names, "message_start ") || !strings.HasSuffix(names, "message_delta message_stop ") {
		return fmt.Errorf("a stream of %s", tail([]byte(names), 500))
	}
	return nil
}

// checkLines fails for a success of ollama's dialect whose lines are not JSON, or
// that has no end.
func checkLines(answer []byte) error {
	var last struct {
		Done  bool `json:"done"`
		About any  `json:"model_info"`
	}
	for line := range strings.Lines(string(answer)) {
		last.Done = false
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			return fmt.Errorf("an answer with the line %q: %v", line, err)
		}
	}
	if !last.Done && last.About == nil {
		return fmt.Errorf("an answer without its end: %q", tail(answer, 500))
	}
	return nil
}

func checkOllamaError(answer []byte) error {
	var fault struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer, &fault); err != nil || fault.Error == "" {
		return fmt.Errorf("an error says %q: %v", tail(answer, 500), err)
	}
	return nil
}
