package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/weirgo/weir/bench/internal/exchange"
	"github.com/weirgo/weir/bench/internal/flood"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/source"
	"github.com/weirgo/weir/bench/internal/streamed"
	"github.com/weirgo/weir/iouring"
)

const postBody = `{"prompt":"a small request of sixty-four bytes","max_tokens":16}`

// servePosts answers small POSTs over the arm's listener until its input ends.
func servePosts(name string) error {
	source.EndWithInput()
	listen := net.Listen
	if name == "fanout" {
		listen = func(network, address string) (net.Listener, error) {
			return iouring.Listen(network, address, iouring.WithBackend(iouring.BackendURing))
		}
	}
	listener, err := source.ListenLocal(listen)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(strconv.AppendInt([]byte(`{"bytes":`), int64(len(body)), 10))
		_, _ = io.WriteString(w, "}\n")
	}))
}

// measurePosts measures each number of connections against one server.
func measurePosts(ctx context.Context, r *sample.Recorder, counts []int) (err error) {
	if len(counts) == 0 {
		return nil
	}
	server, err := startChild(ctx, postsRole, *armName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	for _, n := range counts {
		if err := measurePost(r, server, n); err != nil {
			return err
		}
	}
	return nil
}

func measurePost(r *sample.Recorder, server *streamed.Server, n int) error {
	p, err := flood.Open(server.Address, n, exchange.Post("/v1/echo", postBody), http.StatusOK)
	if err != nil {
		return err
	}
	defer p.Close()
	total := time.Duration(*seconds * float64(time.Second))
	if _, _, err := p.Run(total / 4); err != nil { // warm up
		return err
	}
	before, err := sample.ProcessCPU(server.PID())
	if err != nil {
		return err
	}
	answered, spent, err := p.Run(total)
	if err != nil {
		return err
	}
	after, err := sample.ProcessCPU(server.PID())
	if err != nil {
		return err
	}
	prefix := fmt.Sprintf("posts%d/", n)
	r.Set(prefix+"per_second", float64(answered)/spent.Seconds())
	r.Set(prefix+"cpu_us_per_request", float64((after-before).Microseconds())/float64(max(1, answered)))
	return nil
}
