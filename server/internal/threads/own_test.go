package threads

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDelayed: of two threads on one processor the one that wants it and has it not is
// delayed, by the kernel's account and by this one.
func TestDelayed(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o, err := OpenOwn()
	if err != nil {
		t.Skip(err)
	}
	defer o.Close()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetaffinity(0, &all)
	for cpu := range 1024 {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Skip(err)
	}
	over, began := make(chan struct{}), make(chan struct{})
	go func() {
		runtime.LockOSThread() // and the thread, which has another affinity, ends with it
		_ = unix.SchedSetaffinity(0, &one)
		close(began)
		for {
			select {
			case <-over:
				return
			default:
			}
		}
	}()
	defer close(over)
	<-began
	before, err := o.Delayed()
	if err != nil {
		t.Fatal(err)
	}
	for { // until it has been: on one processor it must
		after, err := o.Delayed()
		if err != nil || after < before {
			t.Fatalf("%v after %v, %v", after, before, err)
		}
		if after > before {
			return
		}
	}
}
