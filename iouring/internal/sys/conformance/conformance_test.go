//go:build giouring

package conformance

import (
	"bytes"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/pawelgaczynski/giouring"
	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// ours is package sys as its source declares it, for the names, which a program
// does not have of constants.
func ours(t *testing.T) *types.Scope {
	t.Helper()
	names, err := filepath.Glob("../*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("sources of package sys: %v, %v", names, err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil), Sizes: sizes}
	pkg, err := config.Check("sys", fset, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg.Scope()
}

var sizes = types.SizesFor("gc", "amd64")

// TestConstants: each of ours has giouring's value, or is known to be newer.
func TestConstants(t *testing.T) {
	scope := ours(t)
	compared := 0
	for _, name := range scope.Names() {
		c, ok := scope.Lookup(name).(*types.Const)
		if !ok || slices.Contains(newer, name) || c.Val().Kind() == constant.String { // a word is no part of the ABI
			continue
		}
		want, ok := constants[name]
		if !ok {
			t.Errorf("%s has no counterpart here: add giouring's, or name it as newer", name)
			continue
		}
		if got, exact := constant.Uint64Val(c.Val()); !exact || got != want {
			t.Errorf("%s is %v, giouring has %d", name, c.Val(), want)
		}
		compared++
	}
	if compared < 20 {
		t.Errorf("only %d constants were compared", compared)
	}
}

// TestStructs: the fields that both have lie at the same places and are of the
// same sizes, and so are the structures.
func TestStructs(t *testing.T) {
	scope := ours(t)
	compared := 0
	for _, row := range structs {
		object := scope.Lookup(row.name)
		if object == nil {
			continue // no longer needed
		}
		compared++
		mine, ok := object.Type().Underlying().(*types.Struct)
		if !ok {
			t.Errorf("%s is no struct", row.name)
			continue
		}
		if got := sizes.Sizeof(mine); got != int64(row.theirs.Size()) {
			t.Errorf("%s has %d bytes, giouring's %d", row.name, got, row.theirs.Size())
		}
		var fields []*types.Var
		for field := range mine.Fields() {
			fields = append(fields, field)
		}
		offsets := sizes.Offsetsof(fields)
		for pair := range strings.FieldsSeq(row.fields) {
			name, theirName, renamed := strings.Cut(pair, "=")
			if !renamed {
				theirName = name
			}
			at := slices.IndexFunc(fields, func(f *types.Var) bool { return f.Name() == name })
			theirs, ok := row.theirs.FieldByName(theirName)
			if at < 0 || !ok {
				t.Errorf("%s: field %s is not in both", row.name, pair)
				continue
			}
			if size := sizes.Sizeof(fields[at].Type()); offsets[at] != int64(theirs.Offset) || size != int64(theirs.Type.Size()) {
				t.Errorf("%s.%s: %d bytes at %d, giouring's %d at %d", row.name, name, size, offsets[at], theirs.Type.Size(), theirs.Offset)
			}
		}
	}
	if compared < 5 {
		t.Errorf("only %d structures were compared", compared)
	}
}

// TestPreparedEntries: each method of ours that prepares a submission fills in
// what giouring's does.
func TestPreparedEntries(t *testing.T) {
	kind := reflect.TypeFor[*sys.SQE]()
	for method := range kind.Methods() {
		if slices.Contains(unmatched, method.Name) {
			continue
		}
		row, ok := prepared[method.Name]
		if !ok {
			t.Errorf("SQE.%s has no counterpart here: add giouring's", method.Name)
			continue
		}
		var mine sys.SQE
		var theirs giouring.SubmissionQueueEntry
		args := []reflect.Value{reflect.ValueOf(&mine)}
		for _, arg := range row.args {
			args = append(args, reflect.ValueOf(arg))
		}
		method.Func.Call(args)
		row.theirs(&theirs)
		got, want := bytesOf(&mine), bytesOf(&theirs)
		if !bytes.Equal(got, want) {
			t.Errorf("SQE.%s:\n% x, giouring has\n% x", method.Name, got, want)
		}
	}
	if kind.NumMethod() == 0 {
		t.Error("nothing was compared")
	}
}

// bytesOf is the memory of a structure.
func bytesOf[T any](p *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

// memory is what prepared entries point to.
var memory [64]byte

// A preparation is the arguments of one of our methods, and the same with
// giouring.
type preparation struct {
	args   []any
	theirs func(*giouring.SubmissionQueueEntry)
}

var prepared = map[string]preparation{
	"Nop":    {nil, func(e *giouring.SubmissionQueueEntry) { e.PrepareNop() }},
	"Accept": {[]any{7, uint32(unix.SOCK_CLOEXEC)}, func(e *giouring.SubmissionQueueEntry) { e.PrepareMultishotAccept(7, 0, 0, unix.SOCK_CLOEXEC) }},
	"Recv": {[]any{7, uint16(3)}, func(e *giouring.SubmissionQueueEntry) {
		e.PrepareRecvMultishot(7, 0, 0, 0)
		e.Flags, e.BufIG = giouring.SqeBufferSelect, 3
	}},
	"Send": {[]any{7, unsafe.Pointer(&memory), len(memory), uint32(unix.MSG_NOSIGNAL)}, func(e *giouring.SubmissionQueueEntry) {
		e.PrepareSend(7, address, uint32(len(memory)), unix.MSG_NOSIGNAL)
	}},
	"Poll":       {[]any{7, uint32(unix.POLLIN)}, func(e *giouring.SubmissionQueueEntry) { e.PreparePollAdd(7, unix.POLLIN) }},
	"Cancel":     {[]any{uint64(1<<40 | 5)}, func(e *giouring.SubmissionQueueEntry) { e.PrepareCancel64(1<<40|5, 0) }},
	"CancelFile": {[]any{7}, func(e *giouring.SubmissionQueueEntry) { e.PrepareCancelFd(7, giouring.AsyncCancelAll) }},
	"Read": {[]any{7, unsafe.Pointer(&memory), len(memory), int64(1 << 33)}, func(e *giouring.SubmissionQueueEntry) {
		e.PrepareRead(7, address, uint32(len(memory)), 1<<33)
	}},
	"ReadFixed": {[]any{7, unsafe.Pointer(&memory), len(memory), int64(1 << 33), uint16(2)}, func(e *giouring.SubmissionQueueEntry) {
		e.PrepareReadFixed(7, address, uint32(len(memory)), 1<<33, 2)
	}},
}

// unmatched are those that giouring prepares wrongly: its timeouts hold the
// address of its own pointer to the time.
var unmatched = []string{"Timeout", "LinkTimeout"}

var address = uintptr(unsafe.Pointer(&memory))
