// Package served runs a server binary for an experiment: start, wait until it
// says that it is ready, read what it uses, and stop it as an operator would.
//
//	s, err := served.Start(ctx, served.Config{Binary: "build/bin/weir", Args: []string{"-m", "tiny.gguf"}})
//	defer s.Stop()
//	response, err := http.Get(s.URL + "/health")
//
// The server is a process of its own, so that its CPU time and memory are its
// own too.
package served
