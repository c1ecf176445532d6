package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/weirgo/weir/bench/internal/exchange"
	"github.com/weirgo/weir/bench/internal/flood"
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
	f := &floodProcess{cmd: exec.Command(path, "-flood-of="+url, "-flood="+strconv.Itoa(*flooders), "-text="+strconv.Itoa(*textBytes))}
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
	request, err := floodRequest()
	if err != nil {
		return err
	}
	f, err := flood.Open(strings.TrimPrefix(url, "http://"), *flooders, request, http.StatusOK)
	if err != nil {
		return err
	}
	var broken atomic.Int64
	go func() {
		if _, _, err := f.Run(floodTime); err != nil { // the process ends before
			broken.Add(1)
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if _, err := fmt.Fprintln(out, f.Answered(), f.Failed()+broken.Load()); err != nil {
			return err
		}
	}
	return nil
}

// floodTime is longer than any measurement.
const floodTime = 24 * time.Hour

func floodRequest() ([]byte, error) {
	const text = "the quick brown fox jumps over the lazy dog. "
	body, err := json.Marshal(map[string]string{"content": strings.Repeat(text, *textBytes/len(text)+1)[:*textBytes]})
	if err != nil {
		return nil, err
	}
	return exchange.Post("/tokenize", string(body)), nil
}
