//go:build linux

package ggroup_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/ggroup"
)

// The C library, called on the way that the inference engine's is called on.
var libc struct {
	usleep, qsortR             uintptr
	read                       uintptr
	spinInit, spinLock, unlock uintptr // pthread_spin_*

	compare uintptr // compareInGo, for C to call
}

// comparing holds what compareInGo calls, by the argument it gets.
var (
	comparing sync.Map
	sorts     atomic.Int64
)

// compareInGo is what C calls while sortInC runs, on the goroutine that called
// C. A callback of purego's lives as long as the program, so there is one.
func compareInGo(a, b *int32, sort uintptr) int32 {
	f, _ := comparing.Load(sort)
	f.(func())()
	return *a - *b
}

func openLibc(t *testing.T) {
	t.Helper()
	if libc.compare != 0 {
		return
	}
	lib, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW)
	if err != nil {
		t.Skipf("not supported: no C library to call: %v", err)
	}
	for name, f := range map[string]*uintptr{
		"usleep": &libc.usleep, "qsort_r": &libc.qsortR, "read": &libc.read,
		"pthread_spin_init": &libc.spinInit, "pthread_spin_lock": &libc.spinLock, "pthread_spin_unlock": &libc.unlock,
	} {
		if *f, err = purego.Dlsym(lib, name); err != nil {
			t.Fatal(err)
		}
	}
	libc.compare = purego.NewCallback(compareInGo)
}

func sleepInC(d time.Duration) { purego.SyscallN(libc.usleep, uintptr(d.Microseconds())) }

// sortInC sorts n numbers in C, which calls f for each comparison.
func sortInC(n int, f func()) {
	a := make([]int32, n)
	for i := range a {
		a[i] = int32(i * 7919 % n)
	}
	sort := uintptr(sorts.Add(1))
	comparing.Store(sort, f)
	defer comparing.Delete(sort)
	purego.SyscallN(libc.qsortR, uintptr(unsafe.Pointer(&a[0])), uintptr(n), 4, libc.compare, sort)
	for i := 1; i < n; i++ {
		if a[i-1] > a[i] {
			panic("C did not sort")
		}
	}
}

// parks gives the processor away until another goroutine has run.
func parks() {
	ran := make(chan struct{})
	go close(ran)
	<-ran
}

// TestCallbacksKeepTheGroup: Go that C calls is in the group of the goroutine
// that called C, and so is what follows.
func TestCallbacksKeepTheGroup(t *testing.T) {
	openLibc(t)
	for _, opts := range [][]ggroup.Option{
		{ggroup.WithEagerHandoff()},
		{ggroup.WithEagerHandoff(), ggroup.WithClass(ggroup.Latency)},
		{ggroup.WithEagerHandoff(), ggroup.WithCPUQuota(0.5)},
	} {
		g := open(t, "calls C", opts...)
		done := make(chan bool)
		ggroup.BindTo(g, func() {
			defer close(done)
			calls := 0
			for range 20 {
				sortInC(20, func() {
					calls++
					if got := ggroup.Current(); got != g {
						t.Errorf("in a callback: Current = %v", got)
					}
					if calls%10 == 0 {
						parks()
					}
				})
				sleepInC(100 * time.Microsecond)
			}
			if calls == 0 {
				t.Error("C never called back")
			}
			if got := ggroup.Current(); got != g {
				t.Errorf("after C: Current = %v", got)
			}
		})
		<-done
	}
}
