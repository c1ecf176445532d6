package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// limits bound what an archive may unpack to.
type limits struct {
	files     int
	fileBytes int64
	allBytes  int64
}

// defaultLimits leave room for the library's GPU builds.
var defaultLimits = limits{files: 64, fileBytes: 512 << 20, allBytes: 1 << 30}

// sharedObject is the name of a part of the library.
var sharedObject = regexp.MustCompile(`^lib[a-z0-9-]+(\.v[0-9.]+)?\.so(\.[0-9.]+)?$`)

// unpack writes to dir the shared objects that lie directly in folder of a
// gzipped tar archive, and its license and metadata. Everything else in it is
// passed over. Names never carry a path, so nothing lands outside dir.
func unpack(r io.Reader, dir, folder string, max limits) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	files, left := 0, max.allBytes
	for entries := tar.NewReader(unzipped); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name, mode := destination(header.Name, folder)
		if name == "" {
			continue
		}
		files++
		switch {
		case header.Typeflag != tar.TypeReg:
			return fmt.Errorf("%s is not a plain file", header.Name)
		case files > max.files:
			return fmt.Errorf("more than %d files", max.files)
		case header.Size > max.fileBytes || header.Size > left:
			return fmt.Errorf("%s of %d bytes is too large", header.Name, header.Size)
		}
		left -= header.Size
		if err := writeFile(root, name, mode, entries); err != nil {
			return err
		}
	}
	if files == 0 {
		return fmt.Errorf("no library in %s", folder)
	}
	return nil
}

// destination returns the name and mode an entry is unpacked with, "" for one
// that is not wanted.
func destination(entry, folder string) (name string, mode os.FileMode) {
	switch entry {
	case "package/LICENSE", "package/package.json":
		return strings.TrimPrefix(entry, "package/"), 0o644
	}
	base, inFolder := strings.CutPrefix(entry, folder+"/")
	switch {
	case !inFolder:
		return "", 0
	case base == "_nlcBuildMetadata.json":
		return base, 0o644
	case sharedObject.MatchString(base):
		return base, 0o755
	default:
		return "", 0
	}
}

func writeFile(root *os.Root, name string, mode os.FileMode, content io.Reader) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
