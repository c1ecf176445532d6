package fanout_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
)

// A server that streams three events to each client and keeps the connection.
func Example() {
	ln, err := iouring.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fan, err := fanout.New(fanout.Config{})
	if err != nil {
		log.Fatal(err)
	}
	srv := &http.Server{ConnContext: iouring.ConnContext, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		s, err := fan.Open(w, r, nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		go func() { // any goroutine; one may feed thousands of streams
			for i := range 3 {
				_ = s.Append(fmt.Appendf(nil, "data: %d\n\n", i))
				fan.Flush()
			}
			_ = s.Close()
		}()
		_ = s.Serve()
	})}
	go func() { _ = srv.Serve(ln) }()

	res, err := http.Get("http://" + ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	fmt.Print(string(body))

	_ = srv.Shutdown(context.Background())
	_ = fan.Close(context.Background())
	// Output:
	// data: 0
	//
	// data: 1
	//
	// data: 2
}
