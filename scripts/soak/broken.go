package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// mutant is a runtime that lacks one line of what makes the replay of stacks
// right. A soak that cannot tell it from ours is worth nothing.
type mutant struct {
	name     string
	file     string // in src/runtime
	function string // the line is the first after this
	line     string // what it has in it
}

var mutants = []mutant{
	{"a send does not say that it wrote into a stack", "chan.go", "func sendDirect(", "ggroupWritten("},
	{"a goroutine that runs keeps its list", "proc.go", "func execute(", "gp.waitsince = 0"},
}

// broken builds the program with each mutant and makes runs until one fails.
// It is an error if none does.
func (s *soak) broken(ctx context.Context, seed uint64, length time.Duration) error {
	cmd := exec.CommandContext(ctx, s.command, "env", "GOROOT")
	cmd.Env = append(clean(os.Environ()), s.environ...)
	goroot, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("ask the go command for its GOROOT: %w", err)
	}
	root, err := filepath.EvalSymlinks(strings.TrimSpace(string(goroot)))
	if err != nil {
		return err
	}
	var missed error
	for _, m := range mutants {
		overlay, err := m.write(root, s.work)
		if err != nil {
			return err
		}
		if err := s.compile(ctx, false, s.play, "-overlay="+overlay, "./scripts/soak/play"); err != nil {
			return err
		}
		begin := time.Now()
		caught, err := s.catches(ctx, seed, begin.Add(length))
		if err != nil {
			return err
		}
		if caught == "" {
			missed = errors.Join(missed, fmt.Errorf("%s: not caught in %v", m.name, length))
			continue
		}
		fmt.Fprintf(s.log, "%s: caught after %.1f s\n\t%s\n", m.name, time.Since(begin).Seconds(), caught)
	}
	return missed
}

// catches makes runs until one fails, and returns what it says first.
func (s *soak) catches(ctx context.Context, seed uint64, end time.Time) (string, error) {
	for ; time.Now().Before(end) && ctx.Err() == nil; seed++ {
		set := settingOf(seed)
		set.written = false
		set.debug = []string{"ggroupreplay=1,gccheckmark=1", "ggroupreplay=1,clobberfree=1"}[seed%2]
		if seed%4 < 2 {
			set.players = 0
		}
		_, err := s.one(ctx, set, min(runLength, max(time.Until(end), time.Second)))
		var died *exec.ExitError
		if errors.As(err, &died) {
			_, said, _ := strings.Cut(err.Error(), died.Error()+": ")
			first, _, _ := strings.Cut(said, "\n")
			return first, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", ctx.Err()
}

// write writes the runtime's file without the line, and the overlay that puts
// it there.
func (m mutant) write(goroot, folder string) (overlay string, err error) {
	path := filepath.Join(goroot, "src", "runtime", m.file)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	spoilt, err := m.spoil(string(text))
	if err != nil {
		return "", err
	}
	mutated := filepath.Join(folder, m.file)
	if err := os.WriteFile(mutated, []byte(spoilt), 0o644); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
	if err != nil {
		return "", err
	}
	overlay = mutated + ".json"
	return overlay, os.WriteFile(overlay, list, 0o644)
}

// spoil takes the line out of a file.
func (m mutant) spoil(text string) (string, error) {
	before, after, found := strings.Cut(text, "\n"+m.function)
	lines := strings.SplitAfter(after, "\n")
	for i, line := range lines {
		if found && strings.HasPrefix(line, "}") {
			break
		}
		if found && strings.Contains(line, m.line) {
			lines[i] = "\n"
			return before + "\n" + m.function + strings.Join(lines, ""), nil
		}
	}
	return "", fmt.Errorf("%s: no %q in %s...) of %s: the replay has changed, and the mutant must (scripts/soak)", m.name, m.line, m.function, m.file)
}
