package main

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/differences.tsv anew; new lines lack a reason")

const differencesFile = "testdata/differences.tsv"

// differences are the texts whose tokens differ, by vocabulary, with the
// reason.
type differences map[string]map[string]string

func (d differences) add(vocabulary, text string) {
	if d[vocabulary] == nil {
		d[vocabulary] = map[string]string{}
	}
	d[vocabulary][text] = ""
}

// readDifferences reads the table: lines of vocabulary, reason and text,
// separated by tabs; "# reason: words" explains a reason.
func readDifferences(t *testing.T) differences {
	t.Helper()
	file, err := os.Open(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	known, reasons := differences{}, map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		if explained, ok := strings.CutPrefix(line, "# "); ok {
			reason, words, _ := strings.Cut(explained, ": ")
			reasons[reason] = words != ""
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 3 {
			t.Fatalf("%s: %q is not three fields", differencesFile, line)
		}
		if !reasons[fields[1]] && !*rewrite {
			t.Errorf("%s: %q has the reason %q, which is not explained", differencesFile, line, fields[1])
		}
		known.add(fields[0], fields[2])
		known[fields[0]][fields[2]] = fields[1]
	}
	return known
}

// checkVanished fails for what is listed and not found any more by those that
// were asked.
func checkVanished(t *testing.T, known, found differences) {
	t.Helper()
	for vocabulary := range found {
		for text := range known[vocabulary] {
			if _, still := found[vocabulary][text]; !still {
				t.Errorf("%s has the reference's tokens for %q: take it out of %s", vocabulary, text, differencesFile)
			}
		}
	}
}

// writeDifferences writes what was found, with a reason that is about the text
// if there is one.
func writeDifferences(t *testing.T, known, found differences, contents map[string]string) {
	t.Helper()
	old, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(old)) {
		if strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	for _, vocabulary := range slices.Sorted(maps.Keys(found)) {
		for _, text := range slices.Sorted(maps.Keys(found[vocabulary])) {
			reason := cmp.Or(known[vocabulary][text], reasonOf(vocabulary, contents[strings.TrimSuffix(text, asText)]), "?")
			fmt.Fprintf(&b, "%s\t%s\t%s\n", vocabulary, reason, text)
		}
	}
	if err := os.WriteFile(differencesFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
