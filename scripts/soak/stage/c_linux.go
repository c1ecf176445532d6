package stage

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/ebitengine/purego"
)

// The C library, called without a C compiler, or with one through runtime/cgo
// where the program was built with CGO_ENABLED=1.
var libc struct {
	usleep, qsortR uintptr
	compare        uintptr // compareInGo, for C to call
}

var (
	comparing sync.Map // what compareInGo calls, by the argument it gets
	sorts     atomic.Int64
)

// compareInGo is what C calls, on the goroutine that called C. A callback
// lives as long as the program, so there is one.
func compareInGo(a, b *int32, sort uintptr) int32 {
	f, _ := comparing.Load(sort)
	f.(func())()
	return *a - *b
}

// openC finds the C library; where there is none, nothing calls C.
func openC() {
	lib, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW)
	if err != nil {
		return
	}
	if libc.usleep, err = purego.Dlsym(lib, "usleep"); err != nil {
		return
	}
	libc.compare = purego.NewCallback(compareInGo)
	libc.qsortR, _ = purego.Dlsym(lib, "qsort_r")
}

// callback parks in Go that was called by C that was called by Go.
func callback(p *Player) {
	n, id := p.Make()
	p.Callback(func() {
		m, number := p.Make()
		p.park()
		Check(m, number)
	})
	Check(n, id)
}

// Callback has C call f, at least once, on this goroutine. Where there is no C
// library, Go calls it.
func (p *Player) Callback(f func()) {
	if libc.qsortR == 0 {
		f()
		return
	}
	numbers := make([]int32, 2+p.Draw(4)/3) // compared once, or a few times
	for i := range numbers {
		numbers[i] = int32(p.Draw(100))
	}
	sort := uintptr(sorts.Add(1))
	comparing.Store(sort, f)
	defer comparing.Delete(sort)
	purego.SyscallN(libc.qsortR, uintptr(unsafe.Pointer(&numbers[0])), uintptr(len(numbers)), 4, libc.compare, sort)
	runtime.KeepAlive(numbers)
}

func sleepC(p *Player) {
	if libc.usleep == 0 {
		return
	}
	n, id := p.Make()
	purego.SyscallN(libc.usleep, uintptr(p.Draw(3000)))
	Check(n, id)
}
