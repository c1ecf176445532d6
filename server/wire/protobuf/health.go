package protobuf

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weirgo/weir/server/ask"
)

// ServiceName is the service's name.
const ServiceName = "weir.v1.Inference"

// CheckHealth reads a grpc.health.v1.HealthCheckRequest, which asks for the service
// or, without a name, for the server. The error is an *ask.Fault.
func CheckHealth(message []byte) error {
	service := ""
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeField(message)
		if n < 0 {
			return brokenBody("the message cannot be read as a grpc.health.v1.HealthCheckRequest", "encode it by that schema")
		}
		if number == 1 && kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(message)
			service, _ = protowire.ConsumeString(message[tag:])
		}
		message = message[n:]
	}
	if service == "" || service == ServiceName {
		return nil
	}
	if !utf8.ValidString(service) {
		service = "?"
	}
	return &ask.Fault{
		Kind: ask.NotStored, Param: "service", What: "there is no service " + ask.Clip(service, ask.QuotedBytes),
		Remedy: "ask for " + ServiceName + ", or for none",
	}
}

// AppendHealth appends the frame of a grpc.health.v1.HealthCheckResponse.
func AppendHealth(dst []byte, serving bool) []byte {
	status := uint64(1)
	if !serving {
		status = 2
	}
	message := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), status)
	return append(GRPC.appendHead(dst, len(message)), message...)
}
