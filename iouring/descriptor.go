package iouring

import (
	"net"
	"sync/atomic"
)

// descriptor is a connection of package net whose file descriptor others use by
// number: it is closed when nobody is inside any more, because the number may be
// another file's right after.
//
//	refs                  meaning                         moved by
//	1 + n                 open, n requests inside         Acquire, Release
//	closedBit | 1 + n     sealed, not yet given up        seal
//	closedBit | n         closing, n still inside         Release
//	closedBit             closed: the last one out did it
type descriptor struct {
	inner net.Conn
	fd    int   // while lent
	last  *Loan // told after the close, if not nil; set by one who holds it open
	refs  atomic.Int64
}

const closedBit = int64(1) << 40

// Acquire holds the descriptor of a lent connection open until Release; false if
// it is closed or closing. It is for the borrower's requests.
func (d *descriptor) Acquire() bool {
	for {
		n := d.refs.Load()
		if n&closedBit != 0 || n == 0 { // 0: it was never opened
			return false
		}
		if d.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release ends what Acquire began. It panics if nothing is inside.
func (d *descriptor) Release() {
	switch n := d.refs.Add(-1); {
	case n <= 0, n < closedBit && n&closedBit != 0:
		panic("iouring: Release without Acquire")
	case n != closedBit:
		return
	}
	_ = d.inner.Close() // first: leave may end the ring whose requests were inside
	if d.last != nil {
		d.last.leave()
	}
}

// seal forbids further use and reports whether this call was the one that did.
// The winner does what must come before the close and calls Release, giving up
// the reference that the connection began with.
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
