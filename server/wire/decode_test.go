package wire

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func TestBodyTooLarge(t *testing.T) {
	body := http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader(`{"prompt":"0123456789"}`)), 10)
	var v struct {
		Prompt string `json:"prompt"`
	}
	f, ok := errors.AsType[*ask.Fault](Decode(body, &v))
	if !ok || f.Kind != ask.BodyTooLarge || !strings.Contains(f.What, "10 bytes") {
		t.Errorf("got %v", f)
	}
}

func TestInside(t *testing.T) {
	f := Inside("messages[0]", Missing("role", `"user"`)).(*ask.Fault)
	if f.Param != "messages[0].role" || f.Error() != `messages[0].role is required: "user"` {
		t.Errorf("%+v", f)
	}
}
