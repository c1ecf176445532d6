package gctune

import (
	"fmt"
	"log/slog"
	"strconv"
)

// Hold says who has one of the two settings.
type Hold uint8

// Holds.
const (
	// Steered is the tuner's.
	Steered Hold = iota
	// LeftAlone was set before the tuner came: by the environment, or by the
	// program.
	LeftAlone
	// Yielded was set by somebody else while the tuner ran. It is theirs from
	// then on, also when the tuner ends.
	Yielded
)

// String returns "steered", "left alone" or "yielded".
func (h Hold) String() string {
	switch h {
	case Steered:
		return "steered"
	case LeftAlone:
		return "left alone"
	case Yielded:
		return "yielded"
	}
	return "Hold(" + strconv.Itoa(int(h)) + ")"
}

// knob is one setting of the runtime. It has no lock of its own.
//
// The runtime sets without comparing, so what somebody else sets is noticed in two
// places: at a look, where the value is not ours; and when we set, where the value
// that we replaced was not. Then it is put back. In between, for less than a
// microsecond, ours is in force.
type knob struct {
	name     string
	standard int64 // Go's default
	before   int64 // at Start
	now      int64 // as far as we know
	hold     Hold
	swap     func(int64) int64
}

func newKnob(name string, value, standard int64, swap func(int64) int64) knob {
	return knob{name: name, standard: standard, before: value, now: value, swap: swap}
}

// leave leaves the setting alone if somebody has chosen it.
func (k *knob) leave(getenv func(string) string) {
	if getenv(k.name) != "" || k.before != k.standard {
		k.hold = LeftAlone
	}
}

func (k *knob) mine() bool { return k.hold == Steered }

// check yields if the value is not what it was left at.
func (k *knob) check(value int64, log *slog.Logger) {
	if k.mine() && value != k.now {
		k.yield(value, log)
	}
	k.now = value
}

func (k *knob) yield(value int64, log *slog.Logger) {
	k.hold = Yielded
	log.Warn("gctune: "+k.name+" has been set by somebody else: it is theirs from now on; let one of the two go",
		"was", k.now, "is", value)
	k.now = value
}

// set reports whether the setting has changed.
func (k *knob) set(value int64, log *slog.Logger) bool {
	if !k.mine() || value == k.now {
		return false
	}
	if old := k.swap(value); old != k.now {
		k.swap(old)
		k.yield(old, log)
		return false
	}
	k.now = value
	return true
}

// restore sets what was there at Start.
func (k *knob) restore(log *slog.Logger) { k.set(k.before, log) }

// text is the value in words, for a log.
func (k *knob) text() string {
	switch {
	case k.name == "GOGC" && k.now < 0, k.name == "GOMEMLIMIT" && k.now == unlimited:
		return "off"
	case k.name == "GOMEMLIMIT":
		return fmt.Sprintf("%d MiB", k.now>>20)
	}
	return strconv.FormatInt(k.now, 10)
}
