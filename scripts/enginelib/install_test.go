package main

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestDestination(t *testing.T) {
	for entry, want := range map[string]struct {
		name string
		mode os.FileMode
	}{
		"package/LICENSE":                               {"LICENSE", 0o644},
		"package/package.json":                          {"package.json", 0o644},
		"package/bins/linux-x64/_nlcBuildMetadata.json": {"_nlcBuildMetadata.json", 0o644},
		"package/bins/linux-x64/libllama.v0.5.0.so":     {"libllama.v0.5.0.so", 0o755},
		"package/bins/linux-x64/libggml-cpu-x64.so":     {"libggml-cpu-x64.so", 0o755},
		"package/bins/linux-x64/llama-addon.node":       {},
		"package/bins/linux-x64/sub/libllama.so":        {},
		"package/bins/linux-x64/../../../libllama.so":   {},
		"/package/bins/linux-x64/libllama.so":           {},
		"package/dist/libllama.so":                      {},
		"../libllama.so":                                {},
	} {
		if name, mode := destination(entry); name != want.name || mode != want.mode {
			t.Errorf("%s becomes %q, %v; want %q, %v", entry, name, mode, want.name, want.mode)
		}
	}
}

// Without npm there is another way.
func TestInstallSaysWhatElse(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("not supported: the archive is for linux/amd64")
	}
	t.Setenv("PATH", t.TempDir())
	_, err := install(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "npm is not on the PATH") || !strings.Contains(err.Error(), "LLAMA_LIB") {
		t.Errorf("%v", err)
	}
}
