package main

import (
	"net/http"

	"github.com/weirgo/weir/server/front/page"
)

// page is what browsers get, or nil.
func (o *options) page() http.Handler {
	if o.noPage {
		return nil
	}
	return page.Handler()
}
