package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/front"
)

// What Vertex AI says in a container's environment counts, if it says that it
// serves there.
func TestVertexEnvironment(t *testing.T) {
	for _, test := range []struct {
		name, mode, predict, health, port string
		args                              []string
		want                              front.Vertex
		wantPort                          int
		note, fault                       string
	}{
		{name: "elsewhere", mode: "", predict: "p", port: "x", wantPort: 8080},
		{name: "another mode", mode: "prediction", wantPort: 8080},
		{name: "defaults", mode: "PREDICTION", want: front.Vertex{Predict: "/predict"}, wantPort: 8080},
		{name: "all", mode: "PREDICTION", predict: "p", health: "/alive", port: "9090", want: front.Vertex{Predict: "/p", Health: "/alive"}, wantPort: 9090},
		{name: "health as here", mode: "PREDICTION", health: "health", args: []string{"--port", "0"}, want: front.Vertex{Predict: "/predict"}, wantPort: 0},
		{name: "two ports", mode: "PREDICTION", port: "9090", args: []string{"--port", "81"}, want: front.Vertex{Predict: "/predict"}, wantPort: 9090, note: "--port 81 has no effect: AIP_HTTP_PORT is 9090"},
		{name: "no port", mode: "PREDICTION", port: "http", fault: `AIP_HTTP_PORT is "http"`},
		{name: "no such port", mode: "PREDICTION", port: "70000", fault: "from 1 to 65535"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range map[string]string{"AIP_MODE": test.mode, "AIP_PREDICT_ROUTE": test.predict, "AIP_HEALTH_ROUTE": test.health, "AIP_HTTP_PORT": test.port} {
				t.Setenv(name, value)
			}
			o, err := parseOptions(append([]string{"-m", "x"}, test.args...), io.Discard)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("%v, want an error of %q", err, test.fault)
				}
				return
			}
			if err != nil || o.vertex != test.want || o.port != test.wantPort || strings.Join(o.llama.notes, "") != test.note {
				t.Errorf("%v: %+v, port %d, notes %q", err, o.vertex, o.port, o.llama.notes)
			}
		})
	}
}

// The served process answers predictions.
func TestServeVertex(t *testing.T) {
	t.Setenv("AIP_MODE", "PREDICTION")
	p := start(t)
	if status := p.status(http.MethodPost, "/predict", `{"instances":[{"@requestFormat":"completion","prompt":"a","n_predict":2}]}`, ""); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}
