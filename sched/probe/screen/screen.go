package screen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/weirgo/weir/sched/probe"
)

// Source is a [probe.Probe], or what stands for one.
type Source interface {
	Read() (*probe.Snapshot, error) // what was counted since the beginning
	Ended() bool                    // the process has
}

// Config is how it is shown. The zero value is tables once a second, for ever.
type Config struct {
	Title    string
	Interval time.Duration // DefaultInterval if it is 0
	Once     bool          // one interval, then the end
	JSON     bool          // an object a line, in nanoseconds
	Terminal bool          // the whole terminal, live; not with Once or JSON

	// For tests.
	options []tea.ProgramOption
	after   func(time.Duration) <-chan time.Time
}

// DefaultInterval is long enough for rates, and short enough to watch.
const DefaultInterval = time.Second

// Show shows the source until the process ends, ctx is done, the user wants the end,
// or, with Once, an interval is over. None of these is an error.
func Show(ctx context.Context, s Source, out io.Writer, c Config) error {
	if c.Interval <= 0 {
		c.Interval = DefaultInterval
	}
	if c.after == nil {
		c.after = time.After
	}
	before, err := s.Read()
	if err != nil {
		return err
	}
	if c.Terminal && !c.Once && !c.JSON {
		return live(ctx, s, out, c, before)
	}
	return lines(ctx, s, out, c, before)
}

// lines writes tables or JSON.
func lines(ctx context.Context, s Source, out io.Writer, c Config, before *probe.Snapshot) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.after(c.Interval):
		}
		ended := s.Ended() // before the reading, which then has everything
		now, err := s.Read()
		if err != nil {
			return err
		}
		if err := write(out, c, now.Sub(before)); err != nil {
			return fmt.Errorf("screen: write: %w", err)
		}
		if ended {
			return sayEnded(out, c)
		}
		if c.Once {
			return nil
		}
		before = now
	}
}

// sayEnded says why nothing more comes; not amid JSON.
func sayEnded(out io.Writer, c Config) error {
	if c.JSON {
		return nil
	}
	_, err := fmt.Fprintf(out, "%s has ended\n", c.Title)
	return err
}

func write(out io.Writer, c Config, s *probe.Snapshot) error {
	if c.JSON {
		return json.NewEncoder(out).Encode(s)
	}
	text := append(header(c, s), "")
	text = append(text, threadLines(s)...)
	text = append(text, "")
	text = append(text, goroutineLines(s)...)
	_, err := io.WriteString(out, strings.Join(text, "\n")+"\n\n")
	return err
}

// header is what is always there.
func header(c Config, s *probe.Snapshot) []string {
	lines := []string{fmt.Sprintf("%s, the last %s", c.Title, short(s.Span)), worldLine(s), ""}
	return append(lines, groupLines(s)...)
}

// live takes the terminal.
func live(ctx context.Context, s Source, out io.Writer, c Config, before *probe.Snapshot) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &model{ctx: ctx, source: s, config: c, before: before}
	options := append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithOutput(out), tea.WithoutSignalHandler()}, c.options...)
	_, err := tea.NewProgram(m, options...).Run()
	m.finish()
	switch {
	case m.err != nil:
		return m.err
	case err != nil && ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled):
		return nil
	case err != nil:
		return fmt.Errorf("screen: %w", err)
	case m.ended:
		return sayEnded(out, c)
	}
	return nil
}
