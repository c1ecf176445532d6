package fanout

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Chunks are what fmt would write, without leading zeros, whatever room was kept
// for the size.
func TestChunksInPlace(t *testing.T) {
	sizes := []int{1, 15, 16, 255, 256, 4095, 4096, 70_000, 3, 300, 16}
	var b, want, content []byte
	digits := 2
	for i, n := range sizes {
		data := bytes.Repeat([]byte{'a' + byte(i)}, n)
		start := len(b)
		b = append(chunkHead(b, digits), data...)
		b, digits = finishChunk(b, start, digits)
		want = fmt.Appendf(want, "%x\r\n%s\r\n", n, data)
		content = append(content, data...)
		if !bytes.Equal(b, want) {
			t.Fatalf("a chunk of %d bytes is not as it should be", n)
		}
	}
	head := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	all := io.MultiReader(strings.NewReader(head), bytes.NewReader(b), strings.NewReader(lastChunk))
	res, err := http.ReadResponse(bufio.NewReader(all), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back as %d, %v", len(content), len(got), err)
	}
}
