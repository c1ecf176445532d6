package source

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// VersionFile pins the version of Go that the series is made for. It lies
// beside the patches and holds one line, such as 1.27.4.
const VersionFile = "GO_VERSION"

var versionForm = regexp.MustCompile(`^1\.[1-9][0-9]*(\.[0-9]+|rc[1-9][0-9]*)$`)

// Version is an exact version of Go without the "go" prefix, such as 1.27.4.
type Version string

func (v Version) String() string { return "go" + string(v) }

// ParseVersion accepts "1.27.4" and "go1.27.4".
func ParseVersion(text string) (Version, error) {
	bare := strings.TrimPrefix(strings.TrimSpace(text), "go")
	if !versionForm.MatchString(bare) {
		return "", fmt.Errorf("source: read Go version %q: want an exact one such as go1.27.4", text)
	}
	return Version(bare), nil
}

// ReadPin reads the pinned version from the folder of the series.
func ReadPin(patches string) (Version, error) {
	name := filepath.Join(patches, VersionFile)
	content, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("source: read the pinned Go version: %w: run this in the checkout, or name the series' folder with --patches", err)
	}
	v, err := ParseVersion(string(content))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}
