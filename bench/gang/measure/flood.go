package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// The flood is a process of its own, so that the streams' client does not wait
// behind it, and a session of its own: Linux shares the cores among sessions
// first (sched_autogroup), so it gets what clients on another machine would,
// however many threads the server has.

// counts are what the flood has come to.
type counts struct{ answered, failed int }

// A floodProcess is this program in its other role.
type floodProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startFlood has texts tokenised by the server at url until stop.
func startFlood(url string) (*floodProcess, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &floodProcess{cmd: exec.Command(path, "-flood-of="+url, "-flood="+strconv.Itoa(*flood), "-text="+strconv.Itoa(*textBytes))}
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	f.cmd.Stderr = os.Stderr
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	f.out = bufio.NewReader(out)
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the flood: %w", err)
	}
	return f, nil
}

// count asks the flood what it has come to.
func (f *floodProcess) count() (c counts, err error) {
	if _, err := io.WriteString(f.in, "\n"); err != nil {
		return c, fmt.Errorf("ask the flood: %w", err)
	}
	if _, err := fmt.Fscanln(f.out, &c.answered, &c.failed); err != nil {
		return c, fmt.Errorf("read the flood's answer: %w", err)
	}
	return c, nil
}

// stop ends the flood.
func (f *floodProcess) stop() error {
	_ = f.in.Close() // it ends with its input
	if err := f.cmd.Wait(); err != nil {
		return fmt.Errorf("end the flood: %w", err)
	}
	return nil
}

// runFlood is the flood's role: for each line of in it writes what it has come
// to, and it ends with in.
func runFlood(url string, in io.Reader, out io.Writer) error {
	host := strings.TrimPrefix(url, "http://")
	request, err := floodRequest(host)
	if err != nil {
		return err
	}
	var answered, failed atomic.Int64
	for range *flood {
		go func() {
			if err := ask(host, request, &answered); err != nil {
				failed.Add(1)
				fmt.Fprintln(os.Stderr, "flood:", err)
			}
		}()
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if _, err := fmt.Fprintln(out, answered.Load(), failed.Load()); err != nil {
			return err
		}
	}
	return nil
}

func floodRequest(host string) ([]byte, error) {
	const text = "the quick brown fox jumps over the lazy dog. "
	body, err := json.Marshal(map[string]string{"content": strings.Repeat(text, *textBytes/len(text)+1)[:*textBytes]})
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "POST /tokenize HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		host, len(body), body), nil
}

// ask sends the request again and again over one connection. It takes little of
// the cores, which are the server's, too.
func ask(host string, request []byte, answered *atomic.Int64) error {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	buffer := make([]byte, 64<<10)
	for {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := readAnswer(conn, buffer); err != nil {
			return err
		}
		answered.Add(1)
	}
}

// readAnswer reads one answer into buffer.
func readAnswer(conn io.Reader, buffer []byte) error {
	for have := 0; have < len(buffer); {
		n, err := conn.Read(buffer[have:])
		if err != nil {
			return err
		}
		have += n
		head, body, whole := bytes.Cut(buffer[:have], []byte("\r\n\r\n"))
		if !whole {
			continue
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("/tokenize answers %.80q", head)
		}
		if ends, err := answerEnds(bytes.ToLower(head), body); ends || err != nil {
			return err
		}
	}
	return fmt.Errorf("an answer of more than %d bytes", len(buffer))
}

// answerEnds reports whether body is whole. JSON has no chunk of its own that
// looks like the last one.
func answerEnds(head, body []byte) (bool, error) {
	if bytes.Contains(head, []byte("\r\ntransfer-encoding: chunked")) {
		return bytes.HasSuffix(body, []byte("0\r\n\r\n")), nil
	}
	_, length, _ := bytes.Cut(head, []byte("\r\ncontent-length: "))
	length, _, _ = bytes.Cut(length, []byte("\r"))
	size, err := strconv.Atoi(string(length))
	if err != nil {
		return false, fmt.Errorf("/tokenize answers without a length: %.200q", head)
	}
	return len(body) >= size, nil
}
