// Package streamed is the client's side of package source: it starts a server's
// process, runs its streams, and records what both sides found.
//
//	server, err := streamed.Start(exec.Command(binary, source.Arguments(cell, plan)...))
//	defer server.Stop()
//	outcome, err := server.Measure(ctx, cell, plan, load.DefaultSampling, 0)
//	outcome.Record(recorder)
package streamed
