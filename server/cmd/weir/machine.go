package main

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/gguf/check"
	"github.com/weirgo/weir/server/internal/version"
)

func examineKernel(subject) []finding {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return []finding{{"kernel", poor, "unknown: " + err.Error(), ""}}
	}
	return []finding{{"kernel", good, fmt.Sprintf("%s %s %s", unix.ByteSliceToString(name.Sysname[:]),
		unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Machine[:])), ""}}
}

func examineRing(subject) []finding {
	chosen, err := chooseTransport(defaultOptions().io)
	if err != nil {
		return []finding{{"io_uring", bad, err.Error(), "unset WEIR_IO"}}
	}
	if chosen.backend == iouring.BackendNet {
		return []finding{{"io_uring", poor, "switched off by WEIR_IO: package net serves instead", "unset WEIR_IO"}}
	}
	if chosen.reason != nil {
		text, remedy := cutRemedy(chosen.reason.Error())
		return []finding{{"io_uring", poor, text + ": package net serves instead", remedy}}
	}
	return []finding{{"io_uring", good, "available, with everything that is required", ""}}
}

func examineToolchain(subject) []finding {
	if version.Groups {
		return []finding{{"toolchain", good, version.Toolchain(), ""}}
	}
	return []finding{{"toolchain", poor, version.Toolchain(), "build with Weir's toolchain: `make build` in its source tree"}}
}

func examineLibrary(s subject) []finding {
	library, err := openLibrary(s.libraryDir, slog.New(slog.DiscardHandler))
	if abi, ok := errors.AsType[*llama.ABIError](err); ok {
		return []finding{
			{"engine library", good, abi.Path, ""},
			{"engine ABI", bad, strings.Join(abi.Problems, "; "), "run `make engine` in Weir's source tree, or name another directory in LLAMA_LIB"},
		}
	}
	if err != nil {
		text, remedy := cutRemedy(err.Error())
		return []finding{{"engine library", bad, text, remedy}}
	}
	return []finding{
		{"engine library", good, "llama.cpp " + library.Version() + " in " + library.Dir(), ""},
		{"engine ABI", good, "what Weir was written for", ""},
		{"engine backends", good, library.SystemInfo(), ""},
	}
}

// cutRemedy splits an error's text where its remedy begins.
func cutRemedy(text string) (what, remedy string) {
	if i := strings.LastIndex(text, "; "); i >= 0 {
		return text[:i], text[i+2:]
	}
	return text, ""
}

func examineModel(s subject) []finding {
	if s.model == "" {
		return nil
	}
	model, err := check.Open(s.model)
	if err != nil {
		text, remedy := cutRemedy(err.Error())
		return []finding{{"model", bad, text, remedy}}
	}
	defer model.Close()
	size := uint64(model.SizeBytes())
	text := fmt.Sprintf("%s, %d tensors, %s", model.Architecture(), model.Tensors(), megabytes(size))
	if available, ok := memoryAvailable(); ok && size > available {
		return []finding{{"model", poor, text + ", more than the memory available",
			"use a smaller or more strongly quantised model, or free memory"}}
	}
	return []finding{{"model", good, text, "to have it tried as well: weir models verify " + s.model}}
}

func examineProcessor(subject) []finding {
	name, flags := processor()
	var vectors []string
	for _, flag := range []string{"avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8"} {
		if flags[flag] {
			vectors = append(vectors, flag)
		}
	}
	found := []finding{{"processor", good, name + "; " + strings.Join(vectors, " "), ""}}
	if runtime.GOARCH == "amd64" && !flags["avx2"] {
		found[0].state, found[0].remedy = poor, "decoding is slow without AVX2: use a newer machine"
	}
	cores := min(runtime.NumCPU(), runtime.GOMAXPROCS(0))
	text := fmt.Sprintf("%d usable of %d; engine threads by default: %d", cores, machineCores(), max(1, cores-1))
	if cores == 1 {
		return append(found, finding{"cores", poor, text, "the engine and the server share one core: give the process two or more"})
	}
	return append(found, finding{"cores", good, text, ""})
}

// processor reads the first processor's name and flags.
func processor() (name string, flags map[string]bool) {
	name, flags = runtime.GOARCH, map[string]bool{}
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return name, flags
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() && lines.Text() != "" {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch strings.TrimSpace(key) {
		case "model name":
			name = strings.TrimSpace(value)
		case "flags":
			for flag := range strings.FieldsSeq(value) {
				flags[flag] = true
			}
		}
	}
	return name, flags
}

// machineCores counts the processors that are online, whoever may use them.
func machineCores() int {
	n := 0
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return runtime.NumCPU()
	}
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "cpu") && !strings.HasPrefix(line, "cpu ") {
			n++
		}
	}
	return n
}

// wantedMemory serves a small model with a few streams.
const wantedMemory = 1 << 30

func examineMemory(subject) []finding {
	available, ok := memoryAvailable()
	if !ok {
		return []finding{{"memory", poor, "unknown: cannot read /proc/meminfo", "mount /proc"}}
	}
	if available < wantedMemory {
		return []finding{{"memory", poor, megabytes(available) + " available", "free memory, or raise the container's limit, for anything but small models"}}
	}
	return []finding{{"memory", good, megabytes(available) + " available", ""}}
}

// memoryAvailable returns the bytes that the process may still take: the
// machine's, or less if its cgroup (version 2) has less.
func memoryAvailable() (bytes uint64, ok bool) {
	content, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemAvailable:" {
			kilobytes, err := strconv.ParseUint(fields[1], 10, 54)
			bytes, ok = kilobytes<<10, err == nil
		}
	}
	limit, limited := readNumber("/sys/fs/cgroup/memory.max")
	used, known := readNumber("/sys/fs/cgroup/memory.current")
	if limited && known {
		bytes = min(bytes, max(limit, used)-used)
	}
	return bytes, ok
}

func readNumber(path string) (n uint64, ok bool) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseUint(strings.TrimSpace(string(content)), 10, 64)
	return n, err == nil // "max" is no number
}

// wantedFiles is a connection for each of a thousand clients, and room.
const wantedFiles = 4096

func examineFiles(subject) []finding {
	// The runtime raises the soft limit to the hard one at start, which is what counts.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return []finding{{"open files", poor, "unknown: " + err.Error(), ""}}
	}
	text := fmt.Sprintf("limit %d, one for each connection", limit.Max)
	if limit.Max < wantedFiles {
		return []finding{{"open files", poor, text, "raise it: ulimit -Hn 65536, or LimitNOFILE= in a systemd unit"}}
	}
	return []finding{{"open files", good, text, ""}}
}

func megabytes(bytes uint64) string { return strconv.FormatUint(bytes>>20, 10) + " MiB" }
