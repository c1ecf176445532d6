package ollama

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Probe means nothing to who reads lines of JSON, and begins the next one.
const Probe = " "

// messageBytes bounds a message: what a client sent is quoted where it is at
// fault, and may be as long as its whole body.
const messageBytes = 1 << 10

// AppendFault appends ollama's error object, of at most a few kilobytes.
func AppendFault(dst []byte, f *ask.Fault) []byte {
	shown := ask.Fault{What: ask.Clip(f.What, messageBytes), Remedy: ask.Clip(f.Remedy, messageBytes)}
	dst = append(dst, `{"error":`...)
	return append(wire.AppendJSONString(dst, shown.Error()), '}')
}
