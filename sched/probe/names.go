package probe

import (
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
)

// nameTable is where a program has the names of its groups: an array of structs with
// a string. Its layout is what the program's own debugging information says.
type nameTable struct {
	address uint64 // in the file's terms
	entries int
	stride  int // bytes of an entry
	name    int // offset of the string in it

	relocated bool   // the program may be anywhere
	base      uint64 // address of the file's first segment, in the file's terms
}

// findNames looks for the table. It gives nil where it finds none, or not what it is
// like: then groups have numbers alone.
func findNames(program *elf.File, all []elf.Symbol, s Symbols) *nameTable {
	at := slices.IndexFunc(all, func(symbol elf.Symbol) bool { return symbol.Name == s.Groups })
	if at < 0 {
		return nil
	}
	info, err := program.DWARF()
	if err != nil {
		return nil
	}
	t := &nameTable{address: all[at].Value, relocated: program.Type == elf.ET_DYN}
	if !t.search(info, all, s.Groups) || uint64(t.entries*t.stride) > all[at].Size {
		return nil
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_LOAD {
			t.base = segment.Vaddr - segment.Off
			break
		}
	}
	return t
}

// searched is how many functions of a package are asked for the unit that they are in:
// mostly, the first is in that of the package, and those in assembly have their own.
const searched = 16

// search looks for the variable's layout in the units of its package.
func (t *nameTable) search(info *dwarf.Data, all []elf.Symbol, name string) bool {
	in := name[:strings.LastIndexByte(name, '.')+1]
	seen := map[dwarf.Offset]bool{}
	tries := 0
	for _, symbol := range all {
		if elf.ST_TYPE(symbol.Info) != elf.STT_FUNC || !strings.HasPrefix(symbol.Name, in) {
			continue
		}
		if tries++; tries > searched {
			break
		}
		r := info.Reader()
		unit, err := r.SeekPC(symbol.Value)
		if err != nil || seen[unit.Offset] {
			continue
		}
		seen[unit.Offset] = true
		if t.describe(info, r, name) {
			return true
		}
	}
	return false
}

// describe reads the layout of a variable in the unit that r is in.
func (t *nameTable) describe(info *dwarf.Data, r *dwarf.Reader, name string) bool {
	for {
		entry, err := r.Next()
		if err != nil || entry == nil || entry.Tag == dwarf.TagCompileUnit {
			return false
		}
		if entry.Tag == dwarf.TagVariable && entry.Val(dwarf.AttrName) == name {
			at, ok := entry.Val(dwarf.AttrType).(dwarf.Offset)
			return ok && t.layOut(info, at)
		}
		if entry.Children {
			r.SkipChildren()
		}
	}
}

// layOut takes the layout from the variable's type.
func (t *nameTable) layOut(info *dwarf.Data, at dwarf.Offset) bool {
	typ, err := info.Type(at)
	if err != nil {
		return false
	}
	array, ok := underlying(typ).(*dwarf.ArrayType)
	if !ok {
		return false
	}
	entry, ok := underlying(array.Type).(*dwarf.StructType)
	if !ok || entry.ByteSize <= 0 || array.Count <= 0 {
		return false
	}
	for _, field := range entry.Field {
		if field.Name == "name" && field.Type.Size() == stringBytes {
			t.entries, t.stride, t.name = int(array.Count), int(entry.ByteSize), int(field.ByteOffset)
			return t.name+stringBytes <= t.stride
		}
	}
	return false
}

func underlying(t dwarf.Type) dwarf.Type {
	for {
		named, ok := t.(*dwarf.TypedefType)
		if !ok {
			return t
		}
		t = named.Type
	}
}

const (
	stringBytes  = 16  // a string's header: address, length
	maxNameBytes = 128 // a longer one is none
)

// names reads groups' names from a process's memory.
type names struct {
	table  nameTable
	memory *os.File
	bias   uint64 // what its addresses are above those of the file
}

// openNames gives nil where there is no table, or the memory cannot be read.
func (p *process) openNames(t *nameTable) *names {
	if t == nil || t.entries*t.stride > 1<<20 {
		return nil
	}
	n := &names{table: *t}
	if t.relocated {
		start, ok := p.firstMapping()
		if !ok {
			return nil
		}
		n.bias = start - t.base
	}
	memory, err := os.Open(p.path("mem"))
	if err != nil {
		return nil
	}
	n.memory = memory
	return n
}

// firstMapping is where the program's file begins in memory.
func (p *process) firstMapping() (address uint64, ok bool) {
	program, err := os.Readlink(p.path("exe"))
	if err != nil {
		return 0, false
	}
	list, err := os.ReadFile(p.path("maps"))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(list)) {
		var start, end, offset uint64
		var access, device, inode string
		if _, err := fmt.Sscanf(line, "%x-%x %s %x %s %s", &start, &end, &access, &offset, &device, &inode); err == nil &&
			offset == 0 && strings.HasSuffix(strings.TrimSuffix(line, "\n"), " "+program) {
			return start, true
		}
	}
	return 0, false
}

// read gives the names of groups by their ids. Entries that are being written, or hold
// what no name looks like, are left out.
func (n *names) read() map[int]string {
	if n == nil {
		return nil
	}
	found := map[int]string{}
	table := make([]byte, n.table.entries*n.table.stride)
	if _, err := n.memory.ReadAt(table, int64(n.table.address+n.bias)); err != nil {
		return nil // the process has ended
	}
	for id := range min(n.table.entries, groups) {
		header := table[id*n.table.stride+n.table.name:]
		at, size := binary.LittleEndian.Uint64(header), binary.LittleEndian.Uint64(header[8:])
		if at == 0 || size == 0 || size > maxNameBytes {
			continue
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(io.NewSectionReader(n.memory, int64(at), int64(size)), text); err != nil {
			continue
		}
		if name := printable(string(text)); name != "" {
			found[id] = name
		}
	}
	return found
}

// printable is a name without what a terminal would take for a command.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
}

func (n *names) close() error {
	if n == nil {
		return nil
	}
	return n.memory.Close()
}
