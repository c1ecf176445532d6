package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// Bounds of the HTTP server.
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// httpServer answers from the start: until there is a model, that it is being
// loaded.
type httpServer struct {
	http.Server
	handler atomic.Pointer[http.Handler] // in force
	failed  chan error                   // why a listener accepts no more; one for each
}

// startHTTP begins to answer on listeners, which are the server's from now on.
func startHTTP(all listeners, o *options, log *slog.Logger) *httpServer {
	s := &httpServer{failed: make(chan error, len(all))}
	s.handle(front.Loading(o.origins, o.page(), o.routes))
	var inForce http.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		(*s.handler.Load()).ServeHTTP(w, q)
	})
	// Over TLS a page's name would have to be the certificate's. Where others come by
	// another address, so would such a page: there is nothing to hold back.
	if o.tls == nil && !slices.ContainsFunc(all, func(l net.Listener) bool { return !onMachine(l) }) {
		inForce = front.Loopback(inForce, o.hosts, o.origins)
	}
	s.Server = http.Server{
		Handler:           inForce,
		ConnContext:       front.ConnContext,
		TLSConfig:         o.tls,
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       o.timeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// WriteTimeout would bound whole responses; the handler bounds writes.
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)            // by ALPN, under TLS
	s.Protocols.SetUnencryptedHTTP2(true) // by its preface, for gRPC
	for _, listener := range all {
		go func() {
			address := listener.Addr()
			if o.tls != nil {
				listener = tls.NewListener(listener, o.tls)
			}
			s.failed <- fmt.Errorf("%s: %w", address, s.Serve(front.Strict(listener)))
		}()
	}
	return s
}

// handle puts a handler in force.
func (s *httpServer) handle(h http.Handler) { s.handler.Store(&h) }

// stages are the times of the end.
type stages struct {
	grace time.Duration // everything is served, for those who have not heard of it
	drain time.Duration // what runs gets on
}

// run waits until ctx is done, then withdraws and drains the handler in force.
func (s *httpServer) run(ctx context.Context, handler *front.Handler, generator *local.Generator, end stages, log *slog.Logger) error {
	select {
	case err := <-s.failed:
		return fmt.Errorf("serve: accept connections: %w", err)
	case <-ctx.Done():
	}
	handler.Withdraw()
	if end.grace > 0 {
		log.Info("not ready any more, serving on for a while: another signal ends the process at once", "grace", end.grace)
		select {
		case err := <-s.failed:
			log.Warn("no more connections are accepted", "error", err)
		case <-time.After(end.grace):
		}
	}
	log.Info("draining", "running", generator.Stats().Active, "timeout", end.drain)
	handler.Drain()
	bound, cancel := context.WithTimeout(context.Background(), end.drain)
	defer cancel()
	err := s.shutDown(bound, handler)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("cutting off what still runs: give more time with --drain-timeout", "running", generator.Stats().Active)
		err = s.cutOff(handler, generator)
	}
	if err != nil {
		return fmt.Errorf("serve: shut down: %w", err)
	}
	log.Info("done")
	return nil
}

// shutDown waits for what is under way: in the HTTP server, and the streams
// that have left it. Meanwhile who comes is told to go elsewhere, and not to come
// again by this connection; only then is nobody heard any more.
func (s *httpServer) shutDown(ctx context.Context, handler *front.Handler) error {
	s.SetKeepAlivesEnabled(false)
	if err := handler.Wait(ctx); err != nil {
		return err
	}
	if err := s.Shutdown(ctx); err != nil {
		return err
	}
	return handler.Wait(ctx)
}

// cutOff ends all generations, lets their clients be told and closes the
// connections that are left.
func (s *httpServer) cutOff(handler *front.Handler, generator *local.Generator) error {
	generator.EndAll()
	bound, cancel := context.WithTimeout(context.Background(), goodbyeLimit)
	defer cancel()
	if s.shutDown(bound, handler) == nil {
		return nil
	}
	err := s.Close()
	handler.Close()
	return err
}
