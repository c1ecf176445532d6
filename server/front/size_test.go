package front

import (
	"testing"
	"unsafe"
)

// An exchange lives as long as its stream.
func TestExchangeIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(exchange{}); size > 512 {
		t.Errorf("an exchange is %d bytes", size)
	}
}
