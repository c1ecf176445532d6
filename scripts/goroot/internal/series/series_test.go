package series

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
)

const sample = `From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Ann Author <ann@example.com>
Date: Fri, 2 Jan 2026 03:04:05 +0100
Subject: runtime: hook a very long list of functions, so long that the
 subject is folded

What and why.

Forwarded: no, ours
Touches: runtime.newproc1, runtime.(*mheap).alloc,
 VERSION
Stock-Cost: one branch

Signed-off-by: nobody

diff --git a/VERSION b/VERSION
index 1..2 100644
--- a/VERSION
+++ b/VERSION
@@ -1 +1 @@
-a
+b
diff --git a/a file b/a file
new file mode 100644
`

func TestParse(t *testing.T) {
	p, err := Parse("0001-x.patch", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if want := "runtime: hook a very long list of functions, so long that the subject is folded"; p.Subject != want {
		t.Errorf("subject %q, want %q", p.Subject, want)
	}
	if want := "What and why.\n\n\nSigned-off-by: nobody"; p.Prose != want {
		t.Errorf("prose %q, want %q", p.Prose, want)
	}
	want := map[string]string{
		FieldForwarded: "no, ours",
		FieldTouches:   "runtime.newproc1, runtime.(*mheap).alloc, VERSION",
		FieldStockCost: "one branch",
	}
	if !maps.Equal(p.Fields, want) {
		t.Errorf("fields %q, want %q", p.Fields, want)
	}
	if want := []string{"runtime.newproc1", "runtime.(*mheap).alloc", "VERSION"}; !slices.Equal(p.Touched(), want) {
		t.Errorf("touched %q, want %q", p.Touched(), want)
	}
	if want := []string{"VERSION", "a file"}; !slices.Equal(p.Files, want) {
		t.Errorf("files %q, want %q", p.Files, want)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "does not begin with a `From ` line"},
		{"plain diff", "diff --git a/x b/x\n", "does not begin"},
		{"cut off", "From 0 x\nSubject: y\n", "ends inside its header"},
		{"no subject", "From 0 x\nDate: y\n\ndiff --git a/x b/x\n", "no Subject"},
		{"no diff", "From 0 x\nSubject: y\n\nbody\n", "no diff in it"},
	} {
		if _, err := Parse("0001-x.patch", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestTouched(t *testing.T) {
	for value, want := range map[string][]string{
		"none": nil, "None.": nil, "": nil, "a.B": {"a.B"}, "a.B,  c.D (why), ,e.F.": {"a.B", "c.D", "e.F"},
	} {
		p := Patch{Fields: map[string]string{FieldTouches: value}}
		if got := p.Touched(); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("From 0 x\nSubject: =?utf-8?q?=C3=A4?=\n\n---\ndiff --git a/a b/a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("0001-x.patch", text)
		if err != nil {
			return
		}
		if p.Subject == "" || len(p.Files) == 0 {
			t.Errorf("parsed into %+v", p)
		}
		p.Touched()
	})
}

func patch(name, subject string) Patch {
	text := "From 0 x\nSubject: " + subject + "\n\ndiff --git a/x b/x\n"
	p, err := Parse(name, []byte(text))
	if err != nil {
		panic(err)
	}
	return p
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, entry := range entries {
		out = append(out, entry.Name())
	}
	return out
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	text := string(patch("", "x").Text)
	stocktest.WriteFiles(t, dir, map[string]string{"0002-b.patch": text, "0001-a.patch": text, "README.md": "x", "GO_VERSION": "y"})
	s, err := Read(dir)
	if err != nil || len(s) != 2 || s[0].Name != "0001-a.patch" {
		t.Fatalf("%v, %v", s, err)
	}
	for name, want := range map[string]string{
		"fix.patch":    "not of the form NNNN-topic.patch",
		"0001-c.patch": "the same number",
		"0003-d.patch": "does not begin",
	} {
		content := text
		if name == "0003-d.patch" {
			content = "x"
		}
		stocktest.WriteFiles(t, dir, map[string]string{name: content})
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Read(filepath.Join(dir, "none")); err == nil {
		t.Error("no folder, no error")
	}
}

func TestDiffAndDigest(t *testing.T) {
	a := Series{patch("0001-a.patch", "a"), patch("0002-b.patch", "b"), patch("0003-c.patch", "c")}
	b := Series{patch("0001-a.patch", "a"), patch("0002-b.patch", "other"), patch("0004-d.patch", "d")}
	want := []Difference{{"0002-b.patch", "changed"}, {"0003-c.patch", "only before"}, {"0004-d.patch", "only after"}}
	if got := Diff(a, b); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Diff(a, a); len(got) != 0 || a.Digest() != slices.Clone(a).Digest() {
		t.Errorf("differs from itself: %v", got)
	}
	renamed := slices.Clone(a)
	renamed[0].Name = "0001-z.patch"
	swapped := Series{a[1], a[0], a[2]}
	if a.Digest() != renamed.Digest() || a.Digest() == swapped.Digest() || a.Digest() == b.Digest() {
		t.Error("the digest must be of texts and order alone")
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "patches")
	stocktest.WriteFiles(t, dir, map[string]string{
		"0001-old.patch": "old", "0002-gone.patch": "gone", "README.md": "read", "GO_VERSION": "1\n", "notes/a.txt": "a",
	})
	readme, err := os.OpenFile(filepath.Join(dir, "README.md"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer readme.Close()
	s := Series{patch("0001-new.patch", "n"), patch("0002-more.patch", "m")}
	if err := Write(dir, s, map[string][]byte{"GO_VERSION": []byte("2\n")}); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, dir), []string{"0001-new.patch", "0002-more.patch", "GO_VERSION", "README.md", "notes"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if _, err := readme.WriteString("me"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"README.md": "readme", "GO_VERSION": "2\n", "0001-new.patch": string(s[0].Text), "notes/a.txt": "a",
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	if got := names(t, filepath.Dir(dir)); len(got) != 1 {
		t.Errorf("left beside the folder: %q", got)
	}
}

func TestWriteFails(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "patches")
	stocktest.WriteFiles(t, dir, map[string]string{"0001-old.patch": "old"})
	// A name that no file can have, after one that can.
	s := Series{patch("0001-new.patch", "n"), {Name: "0002-" + strings.Repeat("x", 300) + ".patch", Text: []byte("x")}}
	if err := Write(dir, s, nil); err == nil {
		t.Fatal("no error")
	}
	if got := names(t, dir); !slices.Equal(got, []string{"0001-old.patch"}) {
		t.Errorf("the folder holds %q", got)
	}
	if got := names(t, parent); !slices.Equal(got, []string{"patches"}) {
		t.Errorf("left beside the folder: %q", got)
	}
}

func TestExchangeByRename(t *testing.T) {
	parent := t.TempDir()
	a, b := filepath.Join(parent, "a"), filepath.Join(parent, "b")
	stocktest.WriteFiles(t, parent, map[string]string{"a/new": "", "b/old": ""})
	if err := exchangeByRename(a, b); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names(t, a), []string{"old"}) || !slices.Equal(names(t, b), []string{"new"}) {
		t.Errorf("a holds %q, b holds %q", names(t, a), names(t, b))
	}
	if err := exchangeByRename(filepath.Join(parent, "none"), b); err == nil || !slices.Equal(names(t, b), []string{"new"}) {
		t.Errorf("failed exchange: %v, b holds %q", err, names(t, b))
	}
}

func TestPrint(t *testing.T) {
	var b bytes.Buffer
	Print(&b, []Difference{{"0001-a.patch", "changed"}})
	if b.String() != "  changed      0001-a.patch\n" {
		t.Errorf("%q", b.String())
	}
}
