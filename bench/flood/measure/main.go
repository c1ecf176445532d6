// Command flood measures what eight streams keep beside floods of other
// requests to the same server.
//
//	flood -server=build/bin/weir
//
// The streams run alone first and then beside each flood: they are under way when
// it begins, and what is counted is a window in it. The clients of both kinds are
// this process, a thread each. The flood "debug" is of a server of its own, whose
// log has a line for each request.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/flood"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

var (
	serverPath    = flag.String("server", "build/bin/weir", "the server's `binary`")
	model         = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	floods        = flag.String("floods", "tokenize,refused,metrics,debug", "kinds of floods")
	streams       = flag.Int("streams", 8, "streams")
	contextTokens = flag.Int("sequence-context", 512, "tokens of context for each stream, which asks again when it has them")
	connections   = flag.Int("connections", 64, "connections of a flood, each the next request once the last is answered")
	textBytes     = flag.Int("text", 4600, "bytes of a text that is tokenised")
	bodyBytes     = flag.Int("body", 32<<10, "bytes of a body that is refused: those of all connections have to fit into the memory of requests")
	seconds       = flag.Float64("seconds", 2, "time that is counted of each flood, in seconds")
	lead          = flag.Float64("lead", 0.4, "time before, of the streams alone and of both, in seconds")
)

func main() { sample.Main(flood.Experiment, measure) }

func measure(r *sample.Recorder) (err error) {
	if *streams < 1 || *connections < 1 || *textBytes < 1 || *bodyBytes < 1 || *seconds <= 0 || *lead <= 0 || *contextTokens < 128 {
		return errors.New("all numbers must be positive, and -sequence-context 128 at least")
	}
	var quiet, logging []string
	for name := range strings.SplitSeq(*floods, ",") {
		switch _, known := kinds[name]; {
		case !known:
			return fmt.Errorf("-floods: there is no flood %q", name)
		case name == "debug":
			logging = append(logging, name)
		default:
			quiet = append(quiet, name)
		}
	}
	s := &session{recorder: r}
	if err := s.server(append([]string{"alone"}, quiet...)); err != nil {
		return err
	}
	if len(logging) > 0 {
		if err := s.server(logging, "--log-level", "debug"); err != nil {
			return err
		}
	}
	r.Set("errors", float64(s.failed))
	return nil
}

// session is what all floods share.
type session struct {
	recorder *sample.Recorder
	failed   int
}

// server runs phases against a server of its own.
func (s *session) server(phases []string, args ...string) (err error) {
	ctx := context.Background()
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	cfg := served.Config{Binary: *serverPath, Args: append([]string{
		"-m", *model, "-np", strconv.Itoa(*streams), "-c", strconv.Itoa(*streams * *contextTokens), "-t", "1",
	}, args...)}
	if len(args) > 0 {
		cfg.Log = log
	}
	server, err := served.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if _, err := stream(ctx, server, duration(*lead)); err != nil { // warm up
		return err
	}
	for _, name := range phases {
		if err := s.phase(ctx, server, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
