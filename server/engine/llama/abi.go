package llama

import (
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// release is the llama.cpp release whose ABI this package speaks.
const release = "0.5.0"

// ABIError says that a library is there but is not one this package can call
// without risking silent corruption. It has been closed again.
type ABIError struct {
	Path     string   // of libllama
	Version  string   // as the library states it, "" if it does not
	Problems []string // each way in which it differs
}

func (e *ABIError) Error() string {
	version := e.Version
	if version == "" {
		version = "unknown"
	}
	return fmt.Sprintf("llama: check ABI of %s (version %s): %s; %s",
		e.Path, version, strings.Join(e.Problems, "; "), remedy)
}

// maxProblems bounds an ABIError's length when a library is something else
// altogether.
const maxProblems = 8

// checkABI returns nil if lib can be called. Order matters: each step only
// calls what the ones before have shown to be there.
func checkABI(lib *sys.Library, path string, missing []string) *ABIError {
	failed := &ABIError{Path: path}
	if len(missing) > 0 {
		for _, name := range missing[:min(len(missing), maxProblems)] {
			failed.Problems = append(failed.Problems, "no function "+name)
		}
		if rest := len(missing) - maxProblems; rest > 0 {
			failed.Problems = append(failed.Problems, fmt.Sprintf("and %d more", rest))
		}
		return failed
	}
	failed.Version = lib.Version()
	// Builds from the release's source tree call themselves 0.5.0-dev.
	if base, _, _ := strings.Cut(failed.Version, "-"); base != release {
		failed.Problems = append(failed.Problems, "Weir was written for version "+release)
		return failed
	}
	if failed.Problems = lib.Layouts(); len(failed.Problems) > 0 {
		return failed
	}
	return nil
}
