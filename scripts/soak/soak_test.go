package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// TestShort is a soak of a few seconds with the toolchain that runs the test,
// and one program that was written. `make soak` is the long form.
func TestShort(t *testing.T) {
	command, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("not supported here: no go command: %v", err)
	}
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := &soak{root: root, out: filepath.Join(t.TempDir(), "kept"), log: &log, command: command}
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.work) })
	for _, set := range []setting{
		{seed: 1, debug: "ggroupreplay=1,gccheckmark=1", percent: 5, procs: 2, players: 30},
		{seed: 2, debug: "ggroupreplay=1,clobberfree=1", percent: 100, procs: 4, players: 30},
		{seed: 3, debug: "ggroupreplay=1,clobberfree=1", percent: 10, procs: 1, players: 5, written: true},
		{seed: 4, debug: "ggroupreplay=1,clobberfree=1", percent: 10, procs: 3},
	} {
		said, err := s.one(t.Context(), set, time.Second)
		if err != nil {
			t.Errorf("%v", err)
		}
		t.Log(said)
	}
}

func TestMutants(t *testing.T) {
	m := mutant{"it", "x.go", "func f(", "hook()"}
	text := "package x\n\nfunc e() {\n\thook()\n}\n\nfunc f() {\n\tg()\n\thook()\n\thook()\n}\n"
	got, err := m.spoil(text)
	if want := "package x\n\nfunc e() {\n\thook()\n}\n\nfunc f() {\n\tg()\n\n\thook()\n}\n"; got != want || err != nil {
		t.Errorf("%v, got %s", err, got)
	}
	m.function = "func e("
	m.line = "g()"
	if _, err := m.spoil(text); err == nil {
		t.Error("a line of another function was taken out")
	}
}

func TestSettings(t *testing.T) {
	written, procs := 0, map[int]int{}
	for seed := range uint64(400) {
		s := settingOf(seed)
		if s != settingOf(seed) {
			t.Fatalf("seed %d gives two settings", seed)
		}
		if s.written {
			written++
		}
		procs[s.procs]++
	}
	if written == 0 || written == 400 || len(procs) != 4 {
		t.Errorf("%d of 400 are written, processors are %v", written, procs)
	}
}
