package schedtrace

import (
	"strings"

	"golang.org/x/exp/trace"
)

// The profiles that go tool trace makes: -pprof=sched, sync, net and syscall.
const (
	profileSched = iota
	profileSync
	profileNetwork
	profileSyscall
	profiles
)

// totals counts as go tool trace does: an interval begins and ends with an event, so
// that one which is open at either end of the trace does not count; nor does one of a
// goroutine before it first ran, unless it never does.
type totals [profiles]sum

// left counts a state that ends at now. It is asked before the goroutine runs.
func (t *totals) left(g *goroutine, state trace.GoState, now int64) {
	profile, ok := profileOf(state, g.reason)
	switch {
	case !ok || g.state != state:
	case g.ran:
		t[profile].add(now - g.since)
	default:
		g.before[profile].add(now - g.since)
	}
}

// ended counts what a goroutine had that has never run.
func (t *totals) ended(g *goroutine) {
	for i, s := range g.before {
		t[i].addAll(s)
	}
}

func profileOf(state trace.GoState, reason string) (int, bool) {
	switch state {
	case trace.GoRunnable:
		return profileSched, true
	case trace.GoSyscall:
		return profileSyscall, true
	case trace.GoWaiting:
		switch {
		case reason == "network":
			return profileNetwork, true
		case strings.Contains(reason, "chan") || strings.Contains(reason, "sync") || strings.Contains(reason, "select"):
			return profileSync, true
		}
	}
	return 0, false
}
