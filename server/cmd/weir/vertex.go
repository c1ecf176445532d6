package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/weirgo/weir/server/front"
)

// readVertex takes what Vertex AI tells a container in its environment: with
// AIP_MODE=PREDICTION where predictions are sent and health is asked for. The port
// that it will ask goes before --port.
// Source: Google Cloud's custom container requirements.
func (o *options) readVertex() error {
	if os.Getenv("AIP_MODE") != "PREDICTION" {
		return nil
	}
	o.vertex = front.Vertex{Predict: "/predict"}
	for name, path := range map[string]*string{"AIP_PREDICT_ROUTE": &o.vertex.Predict, "AIP_HEALTH_ROUTE": &o.vertex.Health} {
		if route := os.Getenv(name); route != "" {
			*path = "/" + strings.TrimPrefix(route, "/")
		}
	}
	if o.vertex.Health == "/health" {
		o.vertex.Health = "" // it is there
	}
	port := os.Getenv("AIP_HTTP_PORT")
	if port == "" {
		return nil
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("serve: AIP_HTTP_PORT is %q: give a number from 1 to 65535", port)
	}
	if n != o.port && o.port != defaultOptions().port {
		o.llama.notes = append(o.llama.notes, fmt.Sprintf("--port %d has no effect: AIP_HTTP_PORT is %d", o.port, n))
	}
	o.port = n
	return nil
}
