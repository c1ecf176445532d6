package attack_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// TestResets breaks connections off at each moment of a request and of its
// answer, with a reset and with an ordinary end.
func TestResets(t *testing.T) {
	t.Parallel()
	streamed := requestText("POST", chatPath, `{"messages":[{"role":"user","content":"Hi"}],"max_tokens":12,"ignore_eos":true,"stream":true}`)
	whole := requestText("POST", completionPath, `{"prompt":"Hi there","max_tokens":6}`)
	tokens := requestText("POST", "/tokenize", `{"content":"Hi there","with_pieces":true}`)
	step := times(1, 23)
	onBoth(t, func(t *testing.T, s *target) {
		var attempts []breakOff
		for _, request := range []string{streamed, whole, tokens} {
			for n := 0; n <= len(request); n += step {
				attempts = append(attempts, breakOff{request: request[:n], reset: true}, breakOff{request: request[:n]})
			}
			// The longest answer has about 4 kB.
			for n := 0; n < 5000; n += 3 * step {
				attempts = append(attempts, breakOff{request, n, true}, breakOff{request, n, false})
			}
		}
		s.breakOffAll(t, attempts)
	})
}

// breakOff is a connection that sends a request or a part of it, reads so many
// bytes of the answer, and is gone.
type breakOff struct {
	request     string
	answerBytes int
	reset       bool // with RST
}

func (b breakOff) do(s *target) error {
	conn, err := s.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	if b.reset {
		_ = conn.SetLinger(0)
	}
	if _, err := io.WriteString(conn, b.request); err != nil {
		return err
	}
	return readSome(conn, b.answerBytes)
}

// readSome reads n bytes of an answer, or the whole if it is shorter. That the
// server has ended the connection is an end too.
func readSome(conn net.Conn, n int) error {
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, int64(n))), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
	}
	if timedOut, ok := errors.AsType[net.Error](err); ok && timedOut.Timeout() {
		return err
	}
	return nil
}

// breakOffAll does all, a few at a time.
func (s *target) breakOffAll(t *testing.T, attempts []breakOff) {
	t.Logf("%d connections are broken off", len(attempts))
	next := make(chan breakOff)
	var all sync.WaitGroup
	for range 4 * sequences {
		all.Go(func() {
			for b := range next {
				if err := b.do(s); err != nil {
					t.Errorf("%d bytes sent, %d read: %v", len(b.request), b.answerBytes, err)
				}
			}
		})
	}
	for _, b := range attempts {
		next <- b
	}
	close(next)
	all.Wait()
}
