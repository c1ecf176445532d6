package streamed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Server is a process that serves one cell, or anything else for which it prints
// an address first.
type Server struct {
	// Address is host:port.
	Address string

	cmd    *exec.Cmd
	input  io.Closer
	output *bufio.Reader
}

// Start returns once the server has said its address. It ends with its input,
// which Stop closes.
func Start(cmd *exec.Cmd) (s *Server, err error) {
	s = &Server{cmd: cmd}
	s.cmd.Stderr = os.Stderr
	if s.input, err = s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("streamed: start server: %w", err)
	}
	output, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("streamed: start server: %w", err)
	}
	s.output = bufio.NewReader(output)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("streamed: start server: %w", err)
	}
	line, err := s.output.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("streamed: start server: it ended: %w", err), s.Stop())
	}
	s.Address = line[:len(line)-1]
	return s, nil
}

// PID is the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop ends the server.
func (s *Server) Stop() error {
	_ = s.input.Close()
	return s.cmd.Wait()
}
