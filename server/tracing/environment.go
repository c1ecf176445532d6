package tracing

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Variables that say whether there is a tracer. OpenTelemetry's library reads the others.
const (
	disabledVariable = "OTEL_SDK_DISABLED"
	exporterVariable = "OTEL_TRACES_EXPORTER"
	endpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT"
	tracesVariable   = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
)

// protocolVariables name the protocol, the first that is set.
var protocolVariables = [2]string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"}

// configured reports whether the environment wants traces, and why they cannot be.
func configured() (bool, error) {
	endpoint := endpointVariable
	if os.Getenv(tracesVariable) != "" {
		endpoint = tracesVariable
	}
	if os.Getenv(endpoint) == "" || strings.EqualFold(os.Getenv(disabledVariable), "true") {
		return false, nil
	}
	switch exporter := os.Getenv(exporterVariable); exporter {
	case "", "otlp":
	case "none":
		return false, nil
	default:
		return false, fmt.Errorf("tracing: %s is %q: give otlp or none", exporterVariable, exporter)
	}
	for _, name := range protocolVariables {
		protocol := os.Getenv(name)
		if protocol == "" {
			continue
		}
		if protocol != "http/protobuf" {
			return false, fmt.Errorf("tracing: %s is %q: give http/protobuf, which collectors take at port 4318", name, protocol)
		}
		break
	}
	// The library takes another endpoint instead of a wrong one.
	if u, err := url.Parse(os.Getenv(endpoint)); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return false, fmt.Errorf("tracing: %s is no URL: give one as http://collector:4318", endpoint)
	}
	return true, nil
}

// FromEnvironment makes the tracer that the environment configures, nil if it does
// not. Nothing is sent yet, so a collector that is not there is no error. The caller
// closes the tracer.
func FromEnvironment(ctx context.Context, cfg Config) (*Tracer, error) {
	if wanted, err := configured(); !wanted {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing: make exporter: %w: check the variables that begin with OTEL_EXPORTER_OTLP_", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "weir"), attribute.String("service.version", cfg.Version)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(), // the last one counts
	)
	if err != nil {
		return nil, fmt.Errorf("tracing: describe the service: %w: check OTEL_RESOURCE_ATTRIBUTES", err)
	}
	cfg = cfg.withDefaults()
	provider := func() *sdktrace.TracerProvider {
		return sdktrace.NewTracerProvider(
			sdktrace.WithBatcher(&quiet{SpanExporter: exporter, log: cfg.Log}), sdktrace.WithResource(about),
		)
	}
	return start(cfg.within(provider), cfg), nil
}

// within makes a provider, whose goroutine is in the group then, and so are those of
// the exporter's connections.
func (c Config) within(provider func() *sdktrace.TracerProvider) (p *sdktrace.TracerProvider) {
	if c.Group == nil || c.Group.Do(func() { p = provider() }) != nil { // then it has not called it
		return provider()
	}
	return p
}
