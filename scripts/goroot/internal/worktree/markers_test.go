package worktree

import (
	"slices"
	"strings"
	"testing"
)

const conflicted = `package runtime

func a() {
	x()
<<<<<<< HEAD
||||||| constructed merge base
	old()

=======
	old()
	hook() // ggroup: count

>>>>>>> runtime: hook
	y()
}

func b() {
<<<<<<< HEAD
	here()
=======
	there()
>>>>>>> runtime: hook
}
`

func TestPlaces(t *testing.T) {
	got := places("src/runtime/p.go", []byte(conflicted))
	want := []string{
		"src/runtime/p.go:5: in runtime.a | +\thook() // ggroup: count",
		"src/runtime/p.go:18: in runtime.b | +\tthere()",
	}
	if len(got) != len(want) {
		t.Fatalf("%d places: %+v", len(got), got)
	}
	for n, p := range got {
		if text := p.String() + " | " + strings.Join(p.Change, ";"); text != want[n] {
			t.Errorf("%q, want %q", text, want[n])
		}
	}
	ours, theirs, _ := sides([]byte(conflicted))
	if strings.Contains(string(ours), "hook") || !strings.Contains(string(ours), "here") || !strings.Contains(string(theirs), "hook") {
		t.Errorf("ours\n%s\ntheirs\n%s", ours, theirs)
	}
	if !hasMarkers([]byte(conflicted)) || hasMarkers(ours) || hasMarkers(theirs) {
		t.Error("markers are not told")
	}
}

func TestPlaceString(t *testing.T) {
	for want, p := range map[string]Place{
		"f":                            {File: "f"},
		"f:3: in a":                    {File: "f", Line: 3, Here: []string{"a"}},
		"f:3: in a, b":                 {File: "f", Line: 3, Here: []string{"a", "b"}, Patch: []string{"a", "b"}},
		"f: gone":                      {File: "f", Reason: "gone"},
		"f: gone; the patch changes a": {File: "f", Reason: "gone", Patch: []string{"a"}},
		"f:3: the patch changes a, which is not there": {File: "f", Line: 3, Patch: []string{"a"}},
		"f:3: in a; the patch changes b":               {File: "f", Line: 3, Here: []string{"a"}, Patch: []string{"b"}},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzSides(f *testing.F) {
	f.Add([]byte(conflicted))
	f.Add([]byte("<<<<<<< a\n<<<<<<< b\n=======\n>>>>>>> c\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		ours, theirs, regions := sides(content)
		if len(ours)+len(theirs) > 2*len(content) {
			t.Error("more text than there was")
		}
		if !slices.IsSortedFunc(regions, func(a, b region) int { return a.line - b.line }) {
			t.Error("regions out of order")
		}
		places("src/p/p.go", content)
	})
}

func TestMergedVersion(t *testing.T) {
	const base = "go1.27.4\ntime 2026\n"
	for _, c := range []struct{ name, ours, theirs, want string }{
		{"suffix", "go1.27.3\ntime 2025\n", "go1.27.4-weir.1\ntime 2026\n", "go1.27.3-weir.1\ntime 2025\n"},
		{"rc", "go1.28rc1\n", "go1.27.4-weir.12\ntime 2026\n", "go1.28rc1-weir.12\n"},
		{"another version", "go1.27.3\n", "go1.27.5\ntime 2026\n", ""},
		{"no suffix", "go1.27.3\n", "go1.27.45\ntime 2026\n", ""},
		{"more than a suffix", "go1.27.3\n", "go1.27.4-weir.1\ntime 2027\n", ""},
		{"nothing", "go1.27.3\n", base, ""},
	} {
		got, ok := mergedVersion(base, c.ours, c.theirs)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", c.name, got, ok, c.want)
		}
	}
}
