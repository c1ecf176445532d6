package tenants

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
)

// File is a key file, and what it said when it was last right. It is safe for
// concurrent use.
type File struct {
	path    string
	reading sync.Mutex
	table   atomic.Pointer[Table]
	exposed atomic.Bool
}

// Open reads a key file.
func Open(path string) (*File, error) {
	f := &File{path: path}
	f.table.Store(&Table{})
	return f, f.Reload()
}

// Path is the file's name.
func (f *File) Path() string { return f.path }

// Table is what is in force.
func (f *File) Table() *Table { return f.table.Load() }

// Exposed reports whether others than the file's owner and group could read it when
// it was last read.
func (f *File) Exposed() bool { return f.exposed.Load() }

// Reload reads the file again and puts in force what it says. Requests that have
// been let in go on; what keys of the same names have used up still counts. With an
// error, which says what to do, nothing changes.
func (f *File) Reload() error {
	f.reading.Lock()
	defer f.reading.Unlock()
	content, mode, err := read(f.path)
	if err != nil {
		return fmt.Errorf("tenants: read keys: %w", err)
	}
	f.exposed.Store(mode.Perm()&0o004 != 0)
	entries, err := parse(bytes.TrimPrefix(content, []byte("\ufeff")))
	if err != nil {
		return fmt.Errorf("tenants: read keys: %s: %w", f.path, err)
	}
	f.table.Store(newTable(entries, f.table.Load()))
	return nil
}

// read gives a file's content and mode.
func read(path string) ([]byte, fs.FileMode, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: name a file that this server may read", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	content, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err == nil && len(content) > MaxFileBytes {
		err = fmt.Errorf("%s is larger than %d bytes: give a shorter one", path, MaxFileBytes)
	}
	return content, info.Mode(), err
}

// Table is what a key file says. It does not change.
type Table struct {
	tenants []*Tenant // as in the file
	byHash  map[[sha256.Size]byte]*Tenant
}

// newTable is the table of entries, which go on with what those of the same names
// have used up in the one before.
func newTable(entries []entry, before *Table) *Table {
	used := make(map[string]*use, len(before.tenants))
	for _, t := range before.tenants {
		used[t.Name] = t.use
	}
	table := &Table{byHash: make(map[[sha256.Size]byte]*Tenant, len(entries))}
	for i := range entries {
		t := entries[i].Tenant
		if t.use = used[t.Name]; t.use == nil {
			t.use = new(use)
		}
		table.tenants = append(table.tenants, &t)
		table.byHash[entries[i].hash] = &t
	}
	return table
}

// Find is who holds the key of a hash, nil if nobody does.
func (t *Table) Find(hash [sha256.Size]byte) *Tenant { return t.byHash[hash] }

// All are the holders of keys, as in the file. They are the table's.
func (t *Table) All() []*Tenant { return t.tenants }
