package check

import (
	"math"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/gguf"
)

// number returns the integer under key, 0 if there is none, and refuses one out
// of [low, top].
func (m *Model) number(key string, low, top uint64) (uint64, error) {
	stored, there := m.Metadata.Get(key)
	if !there {
		return 0, nil
	}
	n, ok := m.Metadata.Uint(key)
	if !ok || n < low || n > top {
		return 0, gguf.Malformed("%s is %s, not a whole number from %d to %d", key, shown(stored), low, top)
	}
	return n, nil
}

// numbers returns the integers under key: one for all layers, or an array of
// one for each; nil if there are none. Each is in [low, top].
func (m *Model) numbers(key string, layers, low, top uint64) ([]uint64, error) {
	stored, there := m.Metadata.Get(key)
	if !there {
		return nil, nil
	}
	var list []uint64
	switch array := stored.(type) {
	case []uint32:
		for _, n := range array {
			list = append(list, uint64(n))
		}
	case []int32:
		for _, n := range array {
			list = append(list, uint64(n)) // a negative one is out of any range
		}
	default:
		n, err := m.number(key, low, top)
		return []uint64{n}, err
	}
	if uint64(len(list)) != layers {
		return nil, gguf.Malformed("%s has %d numbers for %d layers", key, len(list), layers)
	}
	for layer, n := range list {
		if n < low || n > top {
			return nil, gguf.Malformed("%s is %d for layer %d, not a whole number from %d to %d", key, int64(n), layer, low, top)
		}
	}
	return list, nil
}

// isNaN reports whether a float, or one of an array of them, is no number.
func isNaN(value any) bool {
	switch v := value.(type) {
	case float32:
		return v != v
	case float64:
		return v != v
	case []float32:
		return slices.ContainsFunc(v, func(v float32) bool { return v != v })
	}
	return false
}

// real returns the float32 under key; ok is false if there is none.
func (m *Model) real(key string) (value float64, ok bool, err error) {
	stored, there := m.Metadata.Get(key)
	if !there {
		return 0, false, nil
	}
	v, is := stored.(float32)
	if value = float64(v); !is || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, false, gguf.Malformed("%s is %s, not a finite float32", key, shown(stored))
	}
	return value, true, nil
}

// under returns the entries of the model's own architecture.
func (m *Model) under() (entries gguf.Metadata) {
	prefix := m.Architecture() + "."
	for _, entry := range m.Metadata {
		if strings.HasPrefix(entry.Key, prefix) {
			entries = append(entries, entry)
		}
	}
	return entries
}
