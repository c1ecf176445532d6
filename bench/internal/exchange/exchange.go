package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// answerTimeout bounds the wait for a first answer.
const answerTimeout = 30 * time.Second

// Post returns the bytes of a request with a JSON body.
func Post(path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, len(body), body)
}

// Get returns the bytes of a request without a body.
func Get(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
}

// Connections are to one server. Each belongs to one worker.
type Connections struct {
	request []byte
	begins  []byte // of each answer
	each    []connection
}

type connection struct {
	conn   net.Conn
	answer []byte // room for it
}

// Dial makes n connections. If answerBytes is 0, requests and answers are
// HTTP/1.1's, and a first exchange on each connection says how long an answer
// is; one that is not 200 is an error.
func Dial(network, address string, n int, request []byte, answerBytes int) (c *Connections, err error) {
	c = &Connections{request: request}
	if answerBytes == 0 {
		c.begins = []byte("HTTP/1.1 200 ")
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("exchange: connect to %s: %w", address, err), c.Close())
		}
	}()
	for range n {
		conn, err := net.Dial(network, address)
		if err != nil {
			return c, err
		}
		c.each = append(c.each, connection{conn: conn})
		length := answerBytes
		if length == 0 {
			if length, err = lengthOf(conn, request); err != nil {
				return c, err
			}
		}
		c.each[len(c.each)-1].answer = make([]byte, length)
	}
	return c, nil
}

// Step sends the request on a worker's connection and reads the answer.
func (c *Connections) Step(worker int) error {
	own := &c.each[worker]
	if _, err := own.conn.Write(c.request); err != nil {
		return fmt.Errorf("exchange: send: %w", err)
	}
	if _, err := io.ReadFull(own.conn, own.answer); err != nil {
		return fmt.Errorf("exchange: receive: %w", err)
	}
	if !bytes.HasPrefix(own.answer, c.begins) {
		return fmt.Errorf("exchange: receive: an answer begins with %q", own.answer[:min(len(own.answer), 64)])
	}
	return nil
}

// Close closes all connections.
func (c *Connections) Close() error {
	var all []error
	for _, own := range c.each {
		all = append(all, own.conn.Close())
	}
	return errors.Join(all...)
}

// lengthOf makes a first exchange and returns the bytes of its answer.
func lengthOf(conn net.Conn, request []byte) (int, error) {
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	if _, err := conn.Write(request); err != nil {
		return 0, fmt.Errorf("send: %w", err)
	}
	counted := &counting{from: conn}
	r := bufio.NewReader(counted)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return 0, fmt.Errorf("receive: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, fmt.Errorf("receive: %w", err)
	}
	if answer.StatusCode != http.StatusOK || answer.Close {
		return 0, fmt.Errorf("receive: %s, connection closed: %v: %s", answer.Status, answer.Close, body[:min(len(body), 256)])
	}
	return counted.n - r.Buffered(), conn.SetDeadline(time.Time{})
}

// counting counts the bytes read.
type counting struct {
	from io.Reader
	n    int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += n
	return n, err
}
