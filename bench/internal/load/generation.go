package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Generation is what one request came to.
type Generation struct {
	Due    time.Time // when it was to be sent; it was then or later
	First  time.Time // the first frame with text; zero if none came
	Last   time.Time // the last one
	End    time.Time // the response's end
	Frames int       // with text
	// PromptTokens and Tokens are as the server's usage block says.
	PromptTokens, Tokens int
	// Arrivals are the times of the frames with text, if Config.KeepArrivals.
	Arrivals []time.Time
	// Cut: the run's window ended before the response did; then there is no usage
	// block, and no error for that.
	Cut bool
	Err error

	doneMark bool // [DONE] came
	finished bool // a finish_reason came
	usage    bool // a usage block came
}

// take reads one SSE event that arrived at now.
func (g *Generation) take(data []byte, now time.Time, keepArrivals bool) {
	switch {
	case bytes.Equal(data, []byte("[DONE]")):
		g.doneMark = true
		return
	case bytes.HasPrefix(data, []byte(`{"error"`)):
		g.fail(fmt.Errorf("error in the stream: %.200s", data))
		return
	}
	if hasText(data) {
		if g.Frames == 0 {
			g.First = now
		}
		g.Last = now
		g.Frames++
		if keepArrivals {
			g.Arrivals = append(g.Arrivals, now)
		}
	}
	if bytes.HasPrefix(valueOf(data, `"finish_reason":`), []byte(`"`)) {
		g.finished = true
	}
	if bytes.HasPrefix(valueOf(data, `"usage":`), []byte("{")) {
		g.readUsage(data)
	}
}

// hasText reports whether a frame carries text: a completion's "text" or a
// chat delta's "content" that is not empty.
func hasText(data []byte) bool {
	for _, key := range []string{`"text":`, `"content":`} {
		if value := valueOf(data, key); len(value) > 1 && value[0] == '"' {
			return value[1] != '"'
		}
	}
	return false
}

// valueOf returns the frame from a key's value on, or nil. Inside a JSON
// string a quote is escaped, so a key cannot come from the text itself.
func valueOf(data []byte, key string) []byte {
	i := bytes.Index(data, []byte(key))
	if i < 0 {
		return nil
	}
	return bytes.TrimLeft(data[i+len(key):], " ")
}

func (g *Generation) readUsage(data []byte) {
	var frame struct {
		Usage struct {
			PromptTokens     int `json:"prompt_tokens"`
			CompletionTokens int `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal(data, &frame); err != nil {
		g.fail(fmt.Errorf("malformed usage: %w", err))
		return
	}
	g.usage = true
	g.PromptTokens, g.Tokens = frame.Usage.PromptTokens, frame.Usage.CompletionTokens
}

// fail keeps the first error.
func (g *Generation) fail(err error) {
	if g.Err == nil {
		g.Err = err
	}
}

// complete checks a generation whose response has ended. wantTokens, if not
// zero, is how many it must have.
func (g *Generation) complete(r *response, wantTokens int) {
	switch {
	case r.status != 200:
		g.fail(fmt.Errorf("status %d: %s", r.status, bytes.TrimSpace(r.message)))
	case !r.events:
		g.fail(errors.New("the response is not an event stream"))
	case !g.doneMark:
		g.fail(errors.New("the stream ended without [DONE]"))
	case !g.finished:
		g.fail(errors.New("the stream ended without a finish_reason"))
	case !g.usage:
		g.fail(errors.New("the stream ended without usage"))
	case g.Frames == 0:
		g.fail(errors.New("the stream had no text"))
	case wantTokens > 0 && g.Tokens != wantTokens:
		g.fail(fmt.Errorf("%d tokens instead of %d", g.Tokens, wantTokens))
	}
}
