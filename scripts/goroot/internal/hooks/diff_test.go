package hooks

import (
	"reflect"
	"strings"
	"testing"
)

const sampleDiff = `diff --git a/src/runtime/proc.go b/src/runtime/proc.go
index 1..2 100644
--- a/src/runtime/proc.go
+++ b/src/runtime/proc.go
@@ -3,0 +4,2 @@ func f() {
+one
++two
@@ -9 +11 @@
--- minus
+++ plus
\ No newline at end of file
diff --git a/with space b/with space
new file mode 100644
--- /dev/null
+++ b/with space
@@ -0,0 +1 @@
+x
diff --git a/old.go b/old.go
deleted file mode 100644
@@ -1,2 +0,0 @@
-a
-b
diff --git a/bin b/bin
GIT binary patch
literal 3
@@ no hunk
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
`

func TestParseDiff(t *testing.T) {
	sample := strings.Replace(sampleDiff, "@@ no hunk\n", "", 1)
	got, err := ParseDiff(sample)
	if err != nil {
		t.Fatal(err)
	}
	want := []FileDiff{
		{Name: "src/runtime/proc.go", Hunks: []Hunk{
			{OldStart: 3, NewStart: 4, New: []string{"one", "+two"}},
			{OldStart: 9, NewStart: 11, Old: []string{"-- minus"}, New: []string{"++ plus"}},
		}},
		{Name: "with space", Status: Added, Hunks: []Hunk{{NewStart: 1, New: []string{"x"}}}},
		{Name: "old.go", Status: Deleted, Hunks: []Hunk{{OldStart: 1, Old: []string{"a", "b"}}}},
		{Name: "bin", Binary: true},
		{Name: "run.sh"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseDiffErrors(t *testing.T) {
	for _, hunk := range []string{
		"@@ -1 @@\n", "@@ -x +1 @@\n", "@@ -1 +1,y @@\n", "@@ -1,2 +1 @@\n-a\n+b\n", "@@ -1 +1 @@\n context\n", "@@ -1 +1,-2 @@\n-a\n",
		"@@ -1 +1,999999999 @@\n-a\n+b\n",
	} {
		if _, err := ParseDiff("diff --git a/f b/f\n" + hunk); err == nil || !strings.Contains(err.Error(), "the diff of f") {
			t.Errorf("%q: %v", hunk, err)
		}
	}
}

func FuzzParseDiff(f *testing.F) {
	f.Add(sampleDiff)
	f.Add("@@ -1 +1 @@\n-a\n+b\n")
	f.Fuzz(func(t *testing.T, text string) {
		files, err := ParseDiff(text)
		lines := 0
		for _, file := range files {
			for _, h := range file.Hunks {
				lines += len(h.Old) + len(h.New)
			}
		}
		if err == nil && lines > strings.Count(text, "\n")+1 {
			t.Errorf("%d changed lines in %q", lines, text)
		}
	})
}
