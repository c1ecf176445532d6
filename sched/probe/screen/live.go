package screen

import (
	"context"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"

	"github.com/weirgo/weir/sched/probe"
)

// model is the state of the terminal. Its methods are called one at a time; readings
// run beside, one at a time too.
type model struct {
	ctx    context.Context
	source Source
	config Config

	before *probe.Snapshot // what the next reading is compared with
	shown  *probe.Snapshot // nil before the first interval is over
	height int             // rows of the terminal, 0: not known
	detail int             // index in details
	held   bool
	ended  bool
	err    error

	mu   sync.Mutex // held while the source is read
	over bool       // it is not to be read any more; under mu
}

// details are what stands below the groups.
var details = []func(*probe.Snapshot) []string{threadLines, goroutineLines}

// reading is a message: what was read when an interval was over.
type reading struct {
	now   *probe.Snapshot
	ended bool
	err   error
}

func (m *model) Init() tea.Cmd { return m.next }

// next waits and reads. It may still run when the program is over.
func (m *model) next() tea.Msg {
	select {
	case <-m.ctx.Done():
		return nil
	case <-m.config.after(m.config.Interval):
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return nil
	}
	ended := m.source.Ended()
	now, err := m.source.Read()
	return reading{now, ended, err}
}

// finish returns when nobody reads the source any more, and nobody will.
func (m *model) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
}

func (m *model) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		m.height = message.Height
	case tea.KeyPressMsg:
		switch message.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		case "tab":
			m.detail = (m.detail + 1) % len(details)
		case "space":
			m.held = !m.held
		}
	case reading:
		if m.err = message.err; m.err != nil {
			return m, tea.Quit
		}
		if !m.held {
			m.shown, m.before = message.now.Sub(m.before), message.now
		}
		if m.ended = message.ended; m.ended {
			return m, tea.Quit
		}
		return m, m.next
	}
	return m, nil
}

const keys = "Tab: threads or goroutines   Space: hold   q: end"

func (m *model) View() tea.View {
	lines := []string{m.config.Title, "the first interval is not over"}
	if m.shown != nil {
		lines = append(header(m.config, m.shown), "")
		lines = append(lines, details[m.detail](m.shown)...)
	}
	foot := keys
	if m.held {
		foot += "   (held)"
	}
	if room := m.height - 2; m.height > 0 && len(lines) > room {
		lines = lines[:max(room, 0)]
	}
	view := tea.NewView(strings.Join(append(lines, "", foot), "\n"))
	view.AltScreen = true
	return view
}
