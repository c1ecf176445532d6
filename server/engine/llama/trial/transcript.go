package trial

import (
	"bytes"
	"encoding/json"
)

// maxWordBytes is far above what a child says in a line.
const maxWordBytes = 64 << 10

// transcript is what the child says on standard output.
type transcript struct {
	line    []byte // not yet ended
	doing   string
	failure string
	done    bool
	loaded  func() // nil once called
}

func (t *transcript) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte{'\n'})
		t.line = append(t.line, piece[:min(len(piece), maxWordBytes-len(t.line))]...)
		if ended {
			t.hear()
			t.line = t.line[:0]
		}
		rest = after
	}
	return len(p), nil
}

// hear takes in a line; one that is no word is what the library printed.
func (t *transcript) hear() {
	var w word
	if json.Unmarshal(t.line, &w) != nil {
		return
	}
	switch {
	case w.Error != "":
		t.failure = w.Error
	case w.Doing != "":
		t.doing = w.Doing
	}
	t.done = t.done || w.Done
	if w.Loaded && t.loaded != nil {
		t.loaded()
		t.loaded = nil
	}
}
