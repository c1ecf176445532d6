package calls

import "strings"

// purpose is what a marker in a model's text does.
type purpose uint8

const (
	opensThought purpose = iota + 1
	opensCall
	dropped // means nothing to a client
	bareJSON
)

// marker is a text that means something.
type marker struct {
	text string
	does purpose
	// closes ends what an opensThought opens.
	closes string
}

// markers are looked for together.
type markers struct {
	all   []marker
	first [256]bool // bytes that one begins with
}

func (m *markers) add(k marker) {
	m.all = append(m.all, k)
	m.first[k.text[0]] = true
}

// at returns the longest marker that text begins with. open says that there may
// yet be a longer one, or one at all, when the text goes on.
func (m *markers) at(text []byte) (found *marker, open bool) {
	if len(text) == 0 || !m.first[text[0]] {
		return nil, false
	}
	for i := range m.all {
		k := &m.all[i]
		switch n := min(len(k.text), len(text)); {
		case k.text[:n] != string(text[:n]):
		case n < len(k.text):
			open = true
		case found == nil || len(k.text) > len(found.text):
			found = k
		}
	}
	if found != nil && open {
		open = false
		for i := range m.all {
			k := &m.all[i]
			open = open || len(k.text) > len(text) && strings.HasPrefix(k.text, string(text))
		}
	}
	return found, open
}

// find returns where in text the first marker is, or may be beginning, if there
// is none the length. Nothing more comes if ended.
func (m *markers) find(text []byte, ended bool) (at int, found *marker) {
	for at = range text {
		if !m.first[text[at]] {
			continue
		}
		found, open := m.at(text[at:])
		switch {
		case open && !ended:
			return at, nil
		case found != nil:
			return at, found
		}
	}
	return len(text), nil
}

// leading counts the blanks that a text begins with, trailing those it ends
// with.
func leading(text []byte) int {
	n := 0
	for n < len(text) && blank(text[n]) {
		n++
	}
	return n
}

func trailing(text []byte) int {
	n := 0
	for n < len(text) && blank(text[len(text)-1-n]) {
		n++
	}
	return n
}

// begins reports whether text begins with prefix; open, that it is too short to
// tell.
func begins(text []byte, prefix string) (yes, open bool) {
	n := min(len(text), len(prefix))
	if string(text[:n]) != prefix[:n] {
		return false, false
	}
	return n == len(prefix), n < len(prefix)
}
