package main

import (
	"crypto/tls"
	"io"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// A call over gRPC streams with either transport, with TLS and without, beside what
// comes over HTTP/1.1, and is waited for when the server ends.
func TestGRPC(t *testing.T) {
	cert, key, pool := certificate(t)
	files := []string{"--ssl-cert-file", write(t, "cert.pem", cert), "--ssl-key-file", write(t, "key.pem", key)}
	onBoth(t, func(t *testing.T, transport string) {
		for scheme, security := range map[string]credentials.TransportCredentials{
			"http://": insecure.NewCredentials(), "https://": credentials.NewTLS(&tls.Config{RootCAs: pool}),
		} {
			args := []string{"--io", transport}
			if scheme == "https://" {
				args = append(args, files...)
			}
			p := start(t, args...)
			conn, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(p.url, scheme), grpc.WithTransportCredentials(security))
			if err != nil {
				t.Fatal(err)
			}
			stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/weir.v1.Inference/Generate")
			if err != nil {
				t.Fatal(err)
			}
			limit := uint32(20)
			if err := stream.SendMsg(&weirv1.GenerateRequest{Prompt: "x", MaxTokens: &limit, IgnoreEos: true}); err != nil {
				t.Fatal(err)
			}
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			var last weirv1.TokenEvent
			for last.FinishReason == 0 && err == nil {
				err = stream.RecvMsg(&last)
			}
			if err != nil || last.Usage.CompletionTokens != limit {
				t.Errorf("%s: %v, %v", scheme, &last, err)
			}
			if err := stream.RecvMsg(new(weirv1.TokenEvent)); err != io.EOF {
				t.Errorf("%s: %v", scheme, err)
			}
			if scheme == "http://" {
				if status := p.status("GET", "/health", "", ""); status != 200 {
					t.Errorf("HTTP/1.1 beside it: status %d", status)
				}
			}
			p.signal(syscall.SIGTERM)
			if code, log := p.wait(); code != exitDone {
				t.Errorf("%s: exit code %d, log: …%s", scheme, code, log[max(0, len(log)-1000):])
			}
			_ = conn.Close()
		}
	})
}
