package probe

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Symbols names what Attach looks for in a program.
type Symbols struct {
	Prefix    string // of probe points: Prefix + "Run", for example
	Semaphore string // the 16-bit counter that says that somebody is attached
	Groups    string // the array of structs with a string "name", of which groups' names are read
}

// RuntimeSymbols are those of programs that our toolchain builds.
var RuntimeSymbols = Symbols{
	Prefix:    "runtime.schedprobe",
	Semaphore: "runtime.schedprobeSemaphore",
	Groups:    "runtime.ggroupTab",
}

// nop is what a probe point begins with: an attached uprobe then needs no trap.
var nop = []byte{0x0f, 0x1f, 0x44, 0x00, 0x00}

// image is what a program's file says.
type image struct {
	version   string // of its Go
	points    [points]uint64
	semaphore uint64 // both are offsets in the file
	names     *nameTable
}

const (
	remedyToolchain = "build it with Weir's toolchain (`make toolchain`, then build/go/bin/go build)"
	remedySymbols   = "build it without -ldflags=-s and do not strip it"
)

func readImage(file io.ReaderAt, s Symbols) (*image, error) {
	info, err := buildinfo.Read(file)
	if err != nil {
		return nil, &problem{ErrNoPoints, "it is no Go program, or says not which: " + err.Error(), remedyToolchain}
	}
	im := &image{version: info.GoVersion}
	program, err := elf.NewFile(file)
	if err != nil {
		return nil, fmt.Errorf("read its program: %w", err)
	}
	defer program.Close()
	if program.Machine != elf.EM_X86_64 {
		return nil, &problem{ErrNotSupported, "its program is for " + program.Machine.String(), "only amd64 is supported"}
	}
	all, err := program.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil, &problem{ErrStripped, "its program, built with " + im.version + ", has no table of symbols", remedySymbols}
	}
	if err != nil {
		return nil, fmt.Errorf("read its program's symbols: %w", err)
	}
	if err := im.locate(program, all, s); err != nil {
		return nil, err
	}
	im.names = findNames(program, all, s)
	return im, nil
}

// remedy is how the program gets what it lacks.
func (im *image) remedy() string {
	if strings.Contains(im.version, "-weir.") {
		return "build it with a newer one of Weir's toolchains, and without GOEXPERIMENT=noschedhook"
	}
	return remedyToolchain
}

// locate finds the points and their semaphore in the file.
func (im *image) locate(program *elf.File, all []elf.Symbol, s Symbols) error {
	found := map[string]elf.Symbol{}
	for _, symbol := range all {
		if strings.HasPrefix(symbol.Name, s.Prefix) || symbol.Name == s.Semaphore {
			found[symbol.Name] = symbol
		}
	}
	for point, name := range pointNames {
		name = s.Prefix + name
		offset, ok := pointOffset(program, found, name)
		if !ok {
			return &problem{ErrNoPoints, fmt.Sprintf("its program, built with %s, has no point %s", im.version, name), im.remedy()}
		}
		im.points[point] = offset
	}
	semaphore, ok := found[s.Semaphore]
	if ok {
		im.semaphore, ok = fileOffset(program, semaphore.Value, 2, elf.PF_W)
	}
	if !ok {
		return &problem{ErrNoPoints, fmt.Sprintf("its program, built with %s, has no %s in its file", im.version, s.Semaphore), im.remedy()}
	}
	return nil
}

// pointOffset is where the point of this name begins. Of an assembly function there
// may be a wrapper, which has the name alone.
func pointOffset(program *elf.File, found map[string]elf.Symbol, name string) (offset uint64, ok bool) {
	for _, name := range []string{name, name + ".abi0"} {
		symbol, there := found[name]
		if !there {
			continue
		}
		offset, ok = fileOffset(program, symbol.Value, uint64(len(nop)), elf.PF_X)
		if ok && beginsWithNop(program, symbol.Value) {
			return offset, true
		}
	}
	return 0, false
}

func beginsWithNop(program *elf.File, address uint64) bool {
	begin := make([]byte, len(nop))
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_LOAD && segment.Vaddr <= address && address < segment.Vaddr+segment.Filesz {
			_, err := segment.ReadAt(begin, int64(address-segment.Vaddr))
			return err == nil && bytes.Equal(begin, nop)
		}
	}
	return false
}

// fileOffset is where the file has size bytes of an address, in a segment of this kind.
func fileOffset(program *elf.File, address, size uint64, flag elf.ProgFlag) (offset uint64, ok bool) {
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_LOAD && segment.Flags&flag != 0 &&
			segment.Vaddr <= address && address+size <= segment.Vaddr+segment.Filesz {
			return address - segment.Vaddr + segment.Off, true
		}
	}
	return 0, false
}
