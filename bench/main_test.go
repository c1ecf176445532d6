package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDeclarationsAreSound(t *testing.T) {
	seen := make(map[string]bool)
	for _, e := range experiments {
		if _, err := e.Complete(); err != nil {
			t.Error(err)
		}
		if seen[e.ID] {
			t.Errorf("%s is declared twice", e.ID)
		}
		seen[e.ID] = true
		if _, err := os.Stat(filepath.Join(e.ID, "measure", "main.go")); err != nil {
			t.Errorf("%s has no command: %v", e.ID, err)
		}
	}
}

func TestListNeedsNoToolchain(t *testing.T) {
	t.Setenv("PATH", "")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-list"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != len(experiments) || !strings.Contains(out.String(), "c05") {
		t.Errorf("listed %q", out.String())
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"c00"}, {"-rounds=-1", "c05"}, {"-rounds=many"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
