package front

import (
	"net/http"

	"github.com/weirgo/weir/ggroup"
)

// inService has a route served in Config.Service: net/http's goroutine visits the
// group for the time of the answer. What it starts meanwhile stays there, such as the
// goroutines that collect metrics. They hold nothing that a stream waits for: see
// metrics, and exchange.account, which may log.
func (h *Handler) inService(serve server) server {
	return func(x *exchange, w http.ResponseWriter, q *http.Request) error {
		return within(h.cfg.Service, func() error { return serve(x, w, q) })
	}
}

// within calls f with the goroutine in a group, and as it is if there is none, or it is
// closed.
func within(group *ggroup.Group, f func() error) (err error) {
	if group == nil || group.Do(func() { err = f() }) != nil { // then it has not called f
		return f()
	}
	return err
}
