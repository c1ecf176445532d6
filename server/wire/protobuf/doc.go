// Package protobuf is the wire format of weir.v1, the schema in weir.proto: of the
// gRPC service weir.v1.Inference, and of POST /v1/generate. It knows nothing of
// HTTP handlers and nothing of engines.
//
// # Model
//
// A message is read by [Decode]; [Ask] checks its form and makes an ask.Request of
// it. An answer is one message ([Answer]), or a stream of events ([Stream]), each
// framed as its transport has it ([Framing]):
//
//	enc := protobuf.NewStream(protobuf.Head{ID: "1", Model: "tiny"}, protobuf.GRPC)
//	for events.Next(&event) {
//		frames = enc.Append(frames, &event)
//	}
//
// A failure is a [Status] over gRPC, in the trailer; over HTTP it is a message, the
// body's or a stream's last.
//
// # Limits
//
// One answer a request, text only. A field that the schema does not have is
// refused, as in the JSON dialects: a newer client's may change the answer.
// Messages are sent as they are, not compressed; what is received may be packed
// with gzip.
package protobuf
