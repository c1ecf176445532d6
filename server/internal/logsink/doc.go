// Package logsink writes log lines without ever making those who log wait, for
// a terminal in scroll lock, a pipe that nobody empties, or a reader that is
// gone.
//
// # Model
//
// A [Sink] is the io.Writer of a slog handler, of [NewHandler]'s best. Write copies the line into a
// bounded queue; one goroutine takes lines from there and writes them to what
// the sink was opened on, in order, several whole lines at once.
//
//	Write ── queue ── the sink's goroutine ── stderr
//	  └ full: the line is lost, and counted
//
// Lines that are lost leave a trace where they are missing: the next line that
// finds room brings their number along, and it is written as a line of its own
// before it. A write that fails loses its lines the same way. The sink goes on
// and tries again with the lines that follow, in silence: there is no place
// left to say more.
//
// [Reopen] gives a descriptor of one's own for stderr. Go ends a process that
// writes to descriptor 1 or 2 after its reader has gone (SIGPIPE); through a
// descriptor with another number the write just fails. Where it is a pipe or a
// terminal, a write that has to wait occupies no thread and no processor.
//
//	stderr, err := logsink.Reopen(os.Stderr)
//	if err != nil { ... }
//	sink := logsink.Open(stderr, logsink.Config{Group: background})
//	log := slog.New(logsink.NewHandler(sink, nil))
//	...
//	err = sink.Close(ctx) // writes what is left, as long as ctx lasts
//
// What does not come through a sink, because a crash of the process or a C library
// says it, goes to descriptor 2 itself. [Unblock] lets that wait for nobody either:
// without it a process whose stderr is full does not even die.
//
// # Limits
//
// [Config] bounds the lines and bytes that wait. A line longer than
// Config.Bytes is lost. What is written to an unblocked os.Stderr is lost where it
// finds no room, the end of a long trace for instance. A Write at the same
// time as Close may be lost without being counted.
//
// slog's own handlers hold a lock around Write. It is short, but who is stopped
// inside, for want of quota for instance, holds up all who log; [NewHandler]'s has none.
//
// A write to a socket (stderr under systemd) or to a file that has to wait
// keeps a thread, and its processor for up to 20 ms. It holds up no one who
// logs, but a crash waits for it.
package logsink
