package iouring

import (
	"io"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// descriptor is a file descriptor that is closed when nobody is inside a system
// call on it any more: its number may be another file's right after.
//
//	refs                  meaning                         moved by
//	1 + n                 open, n system calls inside     acquire, release
//	closedBit | 1 + n     sealed, not yet given up        seal
//	closedBit | n         closing, n still inside         release
//	closedBit             closed: the last one out did it
type descriptor struct {
	fd   int
	file io.Closer // closes it; nil: close(2)
	gone func()    // called after that, if not nil; set by one who holds it open
	refs atomic.Int64
}

const closedBit = int64(1) << 40

func (d *descriptor) init(fd int) {
	d.fd = fd
	d.refs.Store(1)
}

// acquire holds the descriptor open; false if it is closed or closing.
func (d *descriptor) acquire() bool {
	for {
		n := d.refs.Load()
		if n&closedBit != 0 {
			return false
		}
		if d.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (d *descriptor) release() {
	if d.refs.Add(-1) != closedBit {
		return
	}
	if d.file != nil {
		_ = d.file.Close()
	} else {
		_ = unix.Close(d.fd)
	}
	if d.gone != nil {
		d.gone()
	}
}

// seal forbids further use and reports whether this call was the one that did.
// The winner does what must come before the file is closed and calls release,
// giving up the reference that init made.
func (d *descriptor) seal() bool {
	for {
		n := d.refs.Load()
		if n&closedBit != 0 {
			return false
		}
		if d.refs.CompareAndSwap(n, n|closedBit) {
			return true
		}
	}
}
