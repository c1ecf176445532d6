package logsink_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/weirgo/weir/server/internal/logsink"
)

func Example() {
	stdout, err := logsink.Reopen(os.Stdout) // os.Stderr in a server
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stdout.Close()
	sink := logsink.Open(stdout, logsink.Config{})
	log := slog.New(logsink.NewHandler(sink, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	log.Info("serving", "model", "tiny")
	if err := sink.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(sink.Dropped(), "lines lost")
	// Output:
	// level=INFO msg=serving model=tiny
	// 0 lines lost
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
