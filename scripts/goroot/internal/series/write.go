package series

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes s the series in dir, together with the other files given by
// name, in one step: whoever reads dir sees the old series or the new one,
// and a failure leaves the old one. Patches that vanished go; what else lies
// in dir stays. dir becomes another inode.
func Write(dir string, s Series, others map[string][]byte) error {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("series: write: %w", err)
	}
	next, err := os.MkdirTemp(filepath.Dir(dir), ".series-")
	if err != nil {
		return fmt.Errorf("series: write: %w", err)
	}
	defer os.RemoveAll(next) // after the exchange: the old folder
	if err := fill(next, dir, s, others); err != nil {
		return fmt.Errorf("series: write: %w", err)
	}
	if err := exchange(next, dir); err != nil {
		return fmt.Errorf("series: write: put the new folder in place: %w", err)
	}
	return nil
}

// fill makes next a copy of dir with the series and the others replaced.
func fill(next, dir string, s Series, others map[string][]byte) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if err := os.Chmod(next, info.Mode().Perm()); err != nil {
		return err
	}
	for _, p := range s {
		if err := writeFile(filepath.Join(next, p.Name), p.Text); err != nil {
			return err
		}
	}
	for name, content := range others {
		if err := writeFile(filepath.Join(next, name), content); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if _, replaced := others[entry.Name()]; replaced || fileForm.MatchString(entry.Name()) {
			continue
		}
		if err := keep(filepath.Join(dir, entry.Name()), filepath.Join(next, entry.Name()), entry); err != nil {
			return err
		}
	}
	return nil
}

// keep carries a file over as the same inode, so that an editor that has it
// open goes on with it, and a folder as a copy.
func keep(from, to string, entry fs.DirEntry) error {
	if entry.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	return os.Link(from, to)
}

func writeFile(name string, content []byte) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}
