//go:build !goexperiment.schedhook

package record

import (
	"bytes"
	"errors"
	"runtime"
	"strconv"
	_ "unsafe" // for linkname
)

const why = "needs a Go toolchain with GOEXPERIMENT schedhook: on stock Go only the whole process's waits are known"

// stock is the runtime without records.
type stock struct{}

func theSource() source { return stock{} }

func (stock) supported() (bool, string) { return false, why }

func (stock) subscribe(func([]Record, uint64)) (subscription, error) { return nil, errors.New(why) }

func (stock) now() int64               { return nanotime() }
func (stock) groups() map[int32]string { return nil }
func (stock) reason(uint8) string      { return "" }
func (stock) stop(uint64) string       { return "" }
func (stock) goroutine() uint64        { return goroutineID() }

// nanotime is the clock of the runtime's records. Package runtime keeps the name
// for users outside of it (go.dev/issue/67401).
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64

// goroutineID returns the caller's id as a traceback says it: "goroutine 7 [".
func goroutineID() uint64 {
	var buffer [40]byte
	text := buffer[:runtime.Stack(buffer[:], false)]
	text = bytes.TrimPrefix(text, []byte("goroutine "))
	if end := bytes.IndexByte(text, ' '); end > 0 {
		id, _ := strconv.ParseUint(string(text[:end]), 10, 64)
		return id
	}
	return 0
}
