package trial

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"github.com/weirgo/weir/server/engine"
)

// spareBytes is what a process has in memory beside weights.
const spareBytes = 256 << 20

// shared reports whether the weights of a model are its mapped files, which
// another process maps without taking more memory: not read, not rearranged
// for the CPU.
func shared(model engine.Model) bool {
	mapped, ok := model.(interface{ MappedBytes() uint64 })
	own, known := ownBytes()
	size := model.Info().SizeBytes
	return ok && known && mapped.MappedBytes() >= size/8*7 && own <= size/8+spareBytes
}

// ownBytes returns the bytes that this process alone has in memory.
func ownBytes() (n uint64, ok bool) {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, false
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if size, is := strings.CutPrefix(lines.Text(), "RssAnon:"); is {
			kilobytes, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(size), " kB"), 10, 54)
			return kilobytes << 10, err == nil
		}
	}
	return 0, false
}
