package tenants

import (
	"crypto/sha256"
	"os"
	"testing"
)

// put replaces what a file holds.
func put(t *testing.T, f *File, content string) {
	t.Helper()
	if err := os.WriteFile(f.Path(), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func entryOf(name, key, rest string) string {
	return `{"name":"` + name + `","sha256":"` + hashed(key) + `"` + rest + `}`
}

func TestReload(t *testing.T) {
	f, err := Open(write(t, keysOf(entryOf("acme", "old", `,"in_flight":1`), entryOf("gone", "g", ""))))
	if err != nil {
		t.Fatal(err)
	}
	find := func(key string) *Tenant { return f.Table().Find(sha256.Sum256([]byte(key))) }
	before := f.Table()
	visit, err := find("old").Enter()
	if err != nil {
		t.Fatal(err)
	}
	visit.Spend(3, 0)

	for _, wrong := range []string{"", keysOf(), keysOf(entryOf("acme", "new", ""), entryOf("acme", "new2", ""))} {
		put(t, f, wrong)
		if err := f.Reload(); err == nil || f.Table() != before {
			t.Errorf("%q: %v", wrong, err)
		}
	}

	put(t, f, keysOf(entryOf("acme", "new", `,"in_flight":2`), entryOf("more", "m", "")))
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if find("old") != nil || find("g") != nil || find("m") == nil {
		t.Error("the keys are not the new file's")
	}
	acme := find("new")
	second, err := acme.Enter()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acme.Enter(); err == nil {
		t.Error("what was in flight before the reload does not count")
	}
	visit.Leave() // of the table before
	second.Spend(0, 4)
	if u := acme.Usage(); u.InFlight != 1 || u.Requests != 2 || u.PromptTokens != 3 || u.GeneratedTokens != 4 {
		t.Errorf("%+v", u)
	}
	if before.Find(sha256.Sum256([]byte("old"))) == nil || len(before.All()) != 2 {
		t.Error("a table has changed")
	}

	put(t, f, keysOf(entryOf("gone", "g", "")))
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	put(t, f, keysOf(entryOf("acme", "new", "")))
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if u := find("new").Usage(); u != (Usage{}) {
		t.Errorf("who has been away comes back with %+v", u)
	}
	second.Leave()
}

func TestExposed(t *testing.T) {
	f, err := Open(write(t, keysOf(entryOf("acme", "a", ""))))
	if err != nil {
		t.Fatal(err)
	}
	for mode, exposed := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o604: true} {
		if err := os.Chmod(f.Path(), mode); err != nil {
			t.Fatal(err)
		}
		if err := f.Reload(); err != nil || f.Exposed() != exposed {
			t.Errorf("mode %o: %v, %v", mode, f.Exposed(), err)
		}
	}
}
