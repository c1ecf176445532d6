package kvstore

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/offheap"
)

// Key is who may begin with a state: those of the same one. It tells nothing of what it
// was made of, and is part of a file's name.
type Key string

// KeyOf makes a key of what a scope, such as a setting, and a name in it are.
func KeyOf(scope, name string) Key {
	sum := sha256.Sum256([]byte(scope + "\x00" + name)) // no scope has a zero byte
	return Key(hex.EncodeToString(sum[:]))
}

// entry is a prefix, in memory or in a file or both. It is in the index until it is
// gone; what the store's goroutines are at outlives that.
//
//	memory  file  leaving
//	yes     -     no       in memory; written when the writer has time
//	yes     yes   no       in both
//	yes     -     yes      goes out of memory, once it is written
//	yes     yes   yes      .. once nobody uses it
//	-       yes   no       has to be fetched
type entry struct {
	id     int
	key    Key
	length int            // tokens
	tokens []engine.Token // while it is in memory
	memory []byte         // off the heap; nil: not in memory
	state  []byte         // the part of memory that matters
	bytes  int64          // of memory, or that it will take

	file      string // name; "": not in a file
	fileBytes int64  // of the file, there or being written

	pins    int  // leases
	tried   bool // the writer has had it: not again
	writing bool // the writer reads memory
	reading bool // the reader fills it
	fetched bool // it came from the file
	leaving bool // memory is not counted any more, and freed when nobody uses it
	gone    bool // out of the index
}

// used reports whether memory cannot be freed now.
func (e *entry) used() bool { return e.pins > 0 || e.writing }

// free gives the memory back.
func (e *entry) free() {
	offheap.Free(e.memory)
	e.memory, e.state, e.tokens = nil, nil, nil
	e.leaving, e.fetched = false, false
}
