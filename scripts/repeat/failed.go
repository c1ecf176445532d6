package main

import (
	"bufio"
	"cmp"
	"os"
	"regexp"
	"slices"
	"strings"
)

var (
	begins = regexp.MustCompile(`=== RUN\s+(\S+)`)
	ends   = regexp.MustCompile(`--- (PASS|FAIL|SKIP): (\S+)`)
)

// failed names the tests that failed by what -test.v printed, the innermost
// ones; after a crash or a timeout, those that had begun and not ended.
func failed(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	var bad []string
	running := map[string]bool{}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadString('\n')
		if m := begins.FindStringSubmatch(line); m != nil {
			running[m[1]] = true
		}
		for _, m := range ends.FindAllStringSubmatch(line, -1) {
			delete(running, m[2])
			if m[1] == "FAIL" {
				bad = append(bad, m[2])
			}
		}
		if err != nil {
			break
		}
	}
	for name := range running {
		bad = append(bad, name)
	}
	slices.Sort(bad)
	bad = slices.Compact(bad)
	var inner []string
	for _, name := range bad {
		if !slices.ContainsFunc(bad, func(other string) bool { return strings.HasPrefix(other, name+"/") }) {
			inner = append(inner, name)
		}
	}
	return cmp.Or(strings.Join(inner, ", "), "no test by name")
}
