package wiretest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// Golden compares got with testdata/name.golden, or writes it with -rewrite.
func Golden[S ~string | ~[]byte](t *testing.T, name string, got S) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test with -rewrite", err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs; -rewrite writes it anew.\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}
