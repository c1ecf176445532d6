package attack_test

import (
	"bufio"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxAnswerBytes is far above any answer that the attacks can ask for.
const maxAnswerBytes = 64 << 20

// client is one connection to the server that is kept alive. It belongs to
// one goroutine.
type client struct {
	server *target
	conn   *net.TCPConn
	reader *bufio.Reader
}

// post sends one request over a connection of its own.
func (s *target) post(path, body string) (status int, answer []byte, err error) {
	c := client{server: s}
	defer c.close()
	return c.do("POST", path, body)
}

func (s *target) get(path string) (status int, answer []byte, err error) {
	c := client{server: s}
	defer c.close()
	return c.do("GET", path, "")
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// do sends a request and reads the whole answer, whatever the body is.
func (c *client) do(method, path, body string) (status int, answer []byte, err error) {
	fresh := c.conn == nil
	if fresh {
		if c.conn, err = c.server.dial(); err != nil {
			return 0, nil, err
		}
		c.reader = bufio.NewReader(c.conn)
	}
	status, answer, err = c.exchange(method, path, body)
	if err != nil {
		c.close()
		if !fresh && errors.Is(err, errNoAnswer) { // the server had closed it in between
			return c.do(method, path, body)
		}
	}
	return status, answer, err
}

// errNoAnswer is a connection that ended before anything was answered.
var errNoAnswer = errors.New("no answer")

func (c *client) exchange(method, path, body string) (status int, answer []byte, err error) {
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	request := requestText(method, path, body)
	if key := c.server.key; key != "" {
		request = strings.Replace(request, "\r\n", "\r\nAuthorization: Bearer "+key+"\r\n", 1)
	}
	_, sendErr := io.WriteString(c.conn, request) // an answer may come before all is sent
	response, err := http.ReadResponse(c.reader, &http.Request{Method: method})
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errNoAnswer, errors.Join(sendErr, err))
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err == nil && len(answer) > maxAnswerBytes {
		err = errors.New("the answer has no end")
	}
	if response.Close || sendErr != nil {
		c.close()
	}
	if err == nil {
		err = checkAnswer(path, response, answer)
	}
	return response.StatusCode, answer, err
}

// requestText spells a request.
func requestText(method, path, body string) string {
	if method == "GET" {
		return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
}

// maxErrorBytes bounds what an error says: it must not bring back what was
// sent.
const maxErrorBytes = 4 << 10

// checkAnswer fails for an answer that is none: success without what was asked
// for, an error that does not say what was wrong, an error of the server's.
func checkAnswer(path string, response *http.Response, answer []byte) error {
	switch status := response.StatusCode; {
	case status == http.StatusOK:
		return checkSuccess(path, response, answer)
	case status >= 500:
		return fmt.Errorf("status %d: %s", status, tail(answer, 500))
	case status < 400:
		return fmt.Errorf("status %d", status)
	}
	if len(answer) > maxErrorBytes {
		return fmt.Errorf("an error of %d bytes: %s", len(answer), shorten(string(answer)))
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		return nil // net/http's own, about HTTP: its status says it
	}
	if strings.HasPrefix(path, "/api/") {
		return checkOllamaError(answer)
	}
	var fault struct {
		Error struct {
			Message string `json:"message"`
			Type    string `json:"type"`
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &fault); err != nil || fault.Error.Message == "" || fault.Error.Type == "" {
		return fmt.Errorf("status %d says %q: %v", response.StatusCode, tail(answer, 500), err)
	}
	return nil
}

// choices is what both generating routes answer.
type choices struct {
	Object  string `json:"object"`
	Choices []struct {
		FinishReason *string   `json:"finish_reason"`
		Text         *string   `json:"text"`
		Message      *struct{} `json:"message"`
	} `json:"choices"`
	Usage *struct{} `json:"usage"`
}

// checkSuccess fails for a 200 without what the route promises.
func checkSuccess(path string, response *http.Response, answer []byte) error {
	switch streamed := strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream"); {
	case strings.HasPrefix(path, "/v1/messages"):
		return checkMessage(path, streamed, answer)
	case strings.HasPrefix(path, "/api/"):
		return checkLines(answer)
	case streamed && path == llamaPath:
		return checkPieces(answer)
	case streamed && path == responsesPath:
		return checkEvents(answer)
	case streamed:
		return checkStream(answer)
	}
	var err error
	ok := true
	switch path {
	case "/v1/chat/completions", "/v1/completions":
		var a choices
		err = json.Unmarshal(answer, &a)
		ok = len(a.Choices) > 0 && a.Usage != nil && a.Object != ""
		for _, c := range a.Choices {
			ok = ok && c.FinishReason != nil && (c.Text != nil) != (c.Message != nil)
		}
	case responsesPath:
		var a struct {
			Status string `json:"status"`
			Output []any  `json:"output"`
		}
		err = json.Unmarshal(answer, &a)
		ok = len(a.Output) > 0 && (a.Status == "completed" || a.Status == "incomplete")
	case llamaPath, "/apply-template", "/lora-adapters":
		var a any
		err = json.Unmarshal(answer, &a)
		ok = a != nil
	case "/tokenize":
		var a struct {
			Tokens []any `json:"tokens"`
		}
		err = json.Unmarshal(answer, &a)
		ok = a.Tokens != nil
	case "/detokenize":
		var a struct {
			Content *string `json:"content"`
		}
		err = json.Unmarshal(answer, &a)
		ok = a.Content != nil
	default:
		ok = len(answer) > 0
	}
	if err != nil || !ok {
		return fmt.Errorf("status 200 with %q: %v", tail(answer, 500), err)
	}
	return nil
}

// checkPieces fails for a stream of llama-server's that is not JSON to its end.
func checkPieces(answer []byte) error {
	text, ok := strings.CutSuffix(string(answer), "\n\n")
	if !ok {
		return fmt.Errorf("a stream without its end: %q", tail(answer, 500))
	}
	for frame := range strings.SplitSeq(text, "\n\n") {
		if strings.HasPrefix(frame, ":") {
			continue
		}
		data, ok := strings.CutPrefix(frame, "data: ")
		var piece map[string]any
		if err := json.Unmarshal([]byte(data), &piece); err != nil || !ok {
			return fmt.Errorf("a stream with the frame %q: %v", frame, err)
		}
	}
	return nil
}

// checkStream fails for a stream that is not JSON to its end.
func checkStream(answer []byte) error {
	text, ok := strings.CutSuffix(string(answer), "data: [DONE]\n\n")
	if !ok {
		return fmt.Errorf("a stream without its end: %q", tail(answer, 500))
	}
	finished := false
	for frame := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		if strings.HasPrefix(frame, ":") {
			continue // a comment, which finds out whether the client is there
		}
		data, ok := strings.CutPrefix(frame, "data: ")
		var c choices
		if err := json.Unmarshal([]byte(data), &c); err != nil || !ok || c.Object == "" {
			return fmt.Errorf("a stream with the frame %q: %v", frame, err)
		}
		finished = finished || len(c.Choices) == 1 && c.Choices[0].FinishReason != nil
	}
	if !finished {
		return fmt.Errorf("a stream without a reason to end: %q", tail(answer, 500))
	}
	return nil
}

// checkEvents fails for a streamed response that is not JSON to its last event.
func checkEvents(answer []byte) error {
	last := ""
	for frame := range strings.SplitSeq(strings.TrimSuffix(string(answer), "\n\n"), "\n\n") {
		if strings.HasPrefix(frame, ":") {
			continue
		}
		name, data, ok := strings.Cut(frame, "\ndata: ")
		var e struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil || !ok || name != "event: "+e.Type {
			return fmt.Errorf("a stream with the event %q: %v", frame, err)
		}
		last = e.Type
	}
	if last != "response.completed" && last != "response.incomplete" {
		return fmt.Errorf("a stream that ends with %q", last)
	}
	return nil
}
