package slotfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/server/engine"
)

// lockName is the file whose lock says that the directory is in use.
const lockName = beingWritten + "lock"

// Lock has the directory be this process's alone until the file that it returns is
// closed, by whatever end of the process too.
func (d *Dir) Lock() (io.Closer, error) {
	f, err := d.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("slotfile: open lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, refuse("another server uses the directory: give each one of its own")
		}
		return nil, fmt.Errorf("slotfile: lock directory: %w", err)
	}
	return f, nil
}

// File is a file of the directory.
type File struct {
	Name  string
	Bytes int64
	Used  time.Time // when it was written, or touched
}

// Files gives the files whose names end like that, the one used longest ago first. What
// is no plain file is left out.
func (d *Dir) Files(suffix string) ([]File, error) {
	entries, err := d.entries()
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), suffix) || CheckName(e.Name()) != nil {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("slotfile: list directory: %w", err)
		}
		files = append(files, File{e.Name(), info.Size(), info.ModTime()})
	}
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.Name, b.Name)) })
	return files, nil
}

func (d *Dir) entries() ([]fs.DirEntry, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("slotfile: open directory: %w", err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("slotfile: list directory: %w", err)
	}
	return entries, nil
}

// RemoveUnfinished removes what writes have left behind that came to no end. Nobody
// writes meanwhile, which is who holds Lock to know.
func (d *Dir) RemoveUnfinished(suffix string) error {
	entries, err := d.entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); name != lockName && strings.HasPrefix(name, beingWritten) && strings.HasSuffix(name, suffix) && e.Type().IsRegular() {
			err = errors.Join(err, d.root.Remove(name))
		}
	}
	if err != nil {
		return fmt.Errorf("slotfile: remove unfinished files: %w", err)
	}
	return nil
}

// Remove removes a file, if it is there.
func (d *Dir) Remove(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("slotfile: remove: %w", err)
	}
	return nil
}

// Touch makes a file the one used last.
func (d *Dir) Touch(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	now := time.Now()
	if err := d.root.Chtimes(name, now, now); err != nil {
		return fmt.Errorf("slotfile: touch: %w", err)
	}
	return nil
}

// Head reads what a file says of itself: its tokens, and how many bytes its state has.
// That is not compared with its sum, which takes all of the file: believe Read alone.
// One that is not there, or not what is expected, is an *Error.
func (d *Dir) Head(name string, want Expect) (tokens []engine.Token, stateBytes int64, err error) {
	f, size, err := d.open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	return decodeHead(f, size, want)
}

// FreeBytes is how much the file system of the directory has left for who is not root.
func (d *Dir) FreeBytes() (int64, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return 0, fmt.Errorf("slotfile: open directory: %w", err)
	}
	defer f.Close()
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return 0, fmt.Errorf("slotfile: ask for free space: %w", err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}
