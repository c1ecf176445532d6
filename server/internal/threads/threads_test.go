package threads

import (
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// on runs f on a thread of its own, and returns the thread's id and a function that
// waits for f's end.
func on(f func()) (id int, wait func()) {
	ids, done := make(chan int), make(chan struct{})
	go func() {
		runtime.LockOSThread() // and the thread ends with it
		ids <- Self()
		f()
		close(done)
	}()
	return <-ids, func() { <-done }
}

func read(t *testing.T) Snapshot {
	t.Helper()
	s, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A thread that computes is runnable, but while Go has taken its processor, and has ever
// more time; one in a system call that does not return is not, and has not.
func TestSnapshots(t *testing.T) {
	var over atomic.Bool
	computing, computed := on(func() {
		for !over.Load() {
		}
	})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd := int(r.Fd()) // blocking from here on
	waiting, waited := on(func() { _, _ = unix.Read(fd, make([]byte, 1)) })

	first := read(t)
	for first[waiting].Runnable { // it is on its way into the kernel
		first = read(t)
	}
	for s, runnable := first, false; !runnable || s[computing].CPU < first[computing].CPU+10*tick; s = read(t) {
		runnable = runnable || s[computing].Runnable
		if s[waiting] != first[waiting] {
			t.Fatalf("a thread that waits: %+v, then %+v", first[waiting], s[waiting])
		}
	}
	over.Store(true)
	w.Close()
	computed()
	waited()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if s := read(t); len(s) == 0 || s[Self()] != (Thread{}) {
		t.Errorf("who reads is in the snapshot, or nobody is: %+v", s)
	}
}

func TestParse(t *testing.T) {
	const rest = " 1 2 3 0 -1 4194560 11 0 7 0 150 50 0 0 20 0 3 0 99\n"
	for text, want := range map[string]Thread{
		"8 (weir) R" + rest:      {CPU: 2 * time.Second, Runnable: true, Faults: 7},
		"8 (a ) S 1 2) D" + rest: {CPU: 2 * time.Second, Faults: 7},
		"8 (weir) t" + rest:      {CPU: 2 * time.Second, Faults: 7},
	} {
		if got, ok := parse([]byte(text)); !ok || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "8 (weir", "8 (weir) R 1 2", "8 (weir) R 1 2 3 0 -1 0 1 0 x 0 1 1 0"} {
		if got, ok := parse([]byte(text)); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
