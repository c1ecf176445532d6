package server_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate/local"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// dialGRPC connects grpc-go's client to a service.
func dialGRPC(t *testing.T, s *service) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(s.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func generateGRPC(ctx context.Context, conn *grpc.ClientConn, r *weirv1.GenerateRequest) (grpc.ClientStream, error) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/weir.v1.Inference/Generate")
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(r); err != nil {
		return nil, err
	}
	return stream, stream.CloseSend()
}

// gatherGRPC reads a stream to its end.
func gatherGRPC(stream grpc.ClientStream) (text string, err error) {
	var last weirv1.TokenEvent
	for {
		last.Reset()
		switch err := stream.RecvMsg(&last); {
		case err == io.EOF:
			return text, nil
		case err != nil:
			return text, err
		}
		text += last.Text
	}
}

// On one port, calls over gRPC stream beside chats over HTTP/1.1, and say the same.
func TestGRPCBesideHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, saying("Yes, ündeed."), engine.ContextConfig{MaxSequences: 8}, local.Batching{}, nil)
		conn := dialGRPC(t, s)
		request := &weirv1.GenerateRequest{
			Messages: []*weirv1.Message{{Role: "user", Content: "Is it?"}}, Sampling: &weirv1.Sampling{Temperature: proto.Float32(0)}, ReturnTokenIds: true,
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				stream, err := generateGRPC(t.Context(), conn, request)
				if err != nil {
					t.Error(err)
					return
				}
				if text, err := gatherGRPC(stream); err != nil || text != "Yes, ündeed." {
					t.Errorf("streamed: %q, %v", text, err)
				}
				var whole weirv1.Answer
				if err := conn.Invoke(t.Context(), "/weir.v1.Inference/Complete", request, &whole); err != nil || whole.Text != "Yes, ündeed." ||
					len(whole.TokenIds) == 0 || whole.FinishReason != weirv1.FinishReason_FINISH_REASON_STOP || whole.Timings.DecodeNs == 0 {
					t.Errorf("whole: %v, %v", &whole, err)
				}
			})
			all.Go(func() {
				status, _, answer := s.post(t, "/v1/chat/completions", `{"messages":[{"role":"user","content":"Is it?"}],"temperature":0,"stream":true}`)
				if status != 200 || !strings.HasSuffix(answer, "data: [DONE]\n\n") {
					t.Errorf("HTTP/1.1: status %d, %s", status, answer)
				}
			})
		}
		all.Wait()
	})
}

// A call that is given up gives its sequence back.
func TestGRPCEndsEarly(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		gate := make(chan struct{})
		roomy := engine.ContextConfig{MaxSequences: 1, ContextTokens: 1 << 16}
		s := serveOn(t, backend, enginetest.Options{Printable: true, Gate: gate}, roomy, local.Batching{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := generateGRPC(ctx, dialGRPC(t, s), &weirv1.GenerateRequest{Prompt: "x", IgnoreEos: true})
		if err != nil {
			t.Fatal(err)
		}
		gate <- struct{}{}
		gate <- struct{}{}
		if err := stream.RecvMsg(new(weirv1.TokenEvent)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := gatherGRPC(stream); status.Code(err) != codes.Canceled {
			t.Errorf("%v", err)
		}
		s.wait(t, "the end of a call that was given up", func(now local.Stats) bool {
			select {
			case gate <- struct{}{}: // it shows between two decodes
			default:
			}
			return now.Active == 0 && now.Finished[ask.FinishAborted] == 1
		})
	})
}
