// Package weirv1 is the schema weir.v1 as Go: what protoc makes of weir.proto.
// A client of the service in Go uses it as it is.
//
//	request := &weirv1.GenerateRequest{Prompt: "Once upon a time"}
//	var answer weirv1.Answer
//	err := conn.Invoke(ctx, "/weir.v1.Inference/Complete", request, &answer)
//
// # Model
//
// weir.pb.go has the messages as google.golang.org/protobuf knows them;
// weir_vtproto.pb.go reads and writes them without reflection.
//
// # Limits
//
// UnmarshalVT takes strings that are not UTF-8, and keeps fields that it does not
// know: who reads what others send looks first (package protobuf). There is no
// client's stub, which would make the server depend on grpc-go.
package weirv1

//go:generate make -C ../../../.. proto
