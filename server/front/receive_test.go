package front

import (
	"encoding/json/jsontext"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// parsed notes the group that it is parsed in.
type parsed struct{ group string }

func (p *parsed) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	p.group = ggroup.Current().Name()
	return d.SkipValue()
}

// A body of the background tier is decoded in the background; it is not read there, so
// that what net/http starts at its end is in no group.
func TestReceiveInTheBackground(t *testing.T) {
	group, err := ggroup.Open("background")
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Config{Generator: &generatetest.Generator{}, Background: group, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for priority, want := range map[string]string{"u=6": "background", "u=4": "", "": ""} {
		body := new(readIn)
		body.Reader = *strings.NewReader(`{"a":[1,2]}`)
		q := httptest.NewRequest(http.MethodPost, "/v1/completions", body)
		q.Header.Set(priorityHeader, priority)
		x, w := newExchange(h, q, &otherPath), httptest.NewRecorder()
		if err := h.admitBody(x, w, withJSON(q)); err != nil {
			t.Fatal(err)
		}
		var got parsed
		if err := h.receive(x, w, q, &got); err != nil || got.group != want || body.group != "" {
			t.Errorf("%q: decoded in %q, read in %q, %v", priority, got.group, body.group, err)
		}
		x.leave()
	}
	h.Close()
	if err := group.Close(); err != nil {
		t.Error(err)
	}
}

func withJSON(q *http.Request) *http.Request {
	q.Header.Set("Content-Type", "application/json")
	return q
}

// readIn is a body that notes the group that it is read in.
type readIn struct {
	strings.Reader
	group string
}

func (r *readIn) Read(p []byte) (int, error) {
	r.group += ggroup.Current().Name()
	return r.Reader.Read(p)
}
