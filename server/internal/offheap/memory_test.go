package offheap_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/weirgo/weir/server/internal/offheap"
)

func TestMemory(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 1 << 20} {
		memory, err := offheap.New(n)
		if err != nil || len(memory) != n {
			t.Fatalf("%d bytes: %d, %v", n, len(memory), err)
		}
		for i := range memory {
			if memory[i] != 0 {
				t.Fatal("not zero")
			}
			memory[i] = byte(i)
		}
		offheap.Free(memory)
	}
	if _, err := offheap.New(math.MaxInt64); err == nil {
		t.Error("there was memory for everything")
	}
}

func TestFreeOfOthersMemory(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("freed")
		}
	}()
	offheap.Free(make([]byte, 8))
}

func Example() {
	memory, err := offheap.New(1 << 20)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer offheap.Free(memory)
	copy(memory, "far from the collector")
	fmt.Println(string(memory[:3]), len(memory))
	// Output: far 1048576
}
