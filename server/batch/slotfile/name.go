package slotfile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// nameBytes is the longest name: file systems take 255 bytes, and a name gets
// something before it while its file is written.
const nameBytes = 200

// CheckName refuses what is no plain name of a file, on whichever system.
func CheckName(name string) error {
	switch {
	case name == "":
		return refuse("the name of the file is missing")
	case len(name) > nameBytes:
		return refuse("the name of the file has %d bytes, at most %d are allowed", len(name), nameBytes)
	case !utf8.ValidString(name):
		return refuse("the name of the file is not UTF-8")
	case name[0] == '.' || name[0] == ' ' || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return refuse("the name of the file begins or ends with a dot or a blank")
	}
	for _, r := range name {
		if strings.ContainsRune(`/\:*?"<>|`, r) || !unicode.IsPrint(r) {
			return refuse("the name of the file has a %q: give a plain name, without a path", r)
		}
	}
	return nil
}
