package sampletest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
)

// Main is a TestMain whose test binary also stands in for the server that a program
// starts: where the environment has the variable, it serves, with its value as the role
// and the arguments that it got. It does not return.
func Main(m *testing.M, variable string, serve func(role string, args []string) error) {
	role := os.Getenv(variable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := serve(role, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Serve serves until SIGTERM comes.
func Serve(host, port string, handler http.Handler) error {
	server := http.Server{Addr: net.JoinHostPort(host, port), Handler: handler}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var closing sync.WaitGroup
	closing.Go(func() {
		<-ctx.Done()
		server.Close()
	})
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	closing.Wait()
	return nil
}
