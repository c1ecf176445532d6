package iouring

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// gRPC runs on this package's connections: unary calls, many
// streams on one connection, and a graceful stop.
func TestGRPC(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		ln := listen(t, network, opts...)
		state := health.NewServer()
		srv := grpc.NewServer()
		grpc_health_v1.RegisterHealthServer(srv, state)
		served := make(chan error, 1)
		go func() { served <- srv.Serve(ln) }()
		conn, err := grpc.NewClient("passthrough:///ring", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, ln.Addr().String())
			}))
		if err != nil {
			t.Fatal(err)
		}
		c := grpc_health_v1.NewHealthClient(conn)
		const serving, stopped = grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_NOT_SERVING
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				name := &grpc_health_v1.HealthCheckRequest{Service: fmt.Sprint("service-", i)}
				state.SetServingStatus(name.Service, serving)
				if got, err := c.Check(t.Context(), name); err != nil || got.Status != serving {
					t.Errorf("unary call: %v, %v", got, err)
					return
				}
				watch, err := c.Watch(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				for _, want := range []grpc_health_v1.HealthCheckResponse_ServingStatus{serving, stopped} {
					if got, err := watch.Recv(); err != nil || got.Status != want {
						t.Errorf("stream: %v, %v; want %v", got, err, want)
					}
					state.SetServingStatus(name.Service, stopped)
				}
			})
		}
		wg.Wait()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		srv.GracefulStop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}
