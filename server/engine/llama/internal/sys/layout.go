package sys

import (
	"bytes"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/ebitengine/purego"
)

// canaryBytes is far more than any of the structs should take, so that a
// library with larger ones does not write past it.
const canaryBytes = 4096

// Layouts has the library fill each struct that crosses the boundary by value
// and reports what differs from the declarations here: bytes written past the
// struct's end, fields not written, defaults other than release 0.5.0's. It
// returns nil if the library agrees with them all.
func (l *Library) Layouts() (problems []string) {
	check := func(name string, fn uintptr, want any, args ...uintptr) {
		if problem := checkLayout(fn, want, args...); problem != "" {
			problems = append(problems, name+": "+problem)
		}
	}
	check("llama_model_params", l.c.modelDefaults, defaultModelParams)
	check("llama_context_params", l.c.contextDefaults, defaultContextParams)
	check("llama_model_quantize_params", l.c.quantizeDefaults, defaultQuantizeParams)
	check("ggml_threadpool_params", l.c.threadpoolDefaults, defaultThreadpoolParams, 3)
	if problem := l.checkBatch(); problem != "" {
		problems = append(problems, "llama_batch: "+problem)
	}
	return problems
}

// What the library of release 0.5.0 writes.
var (
	defaultModelParams = ModelParams{
		GPULayers: -1, SplitMode: 1, LoadMode: LoadAuto, LazyMode: 1, UseExtraBuffers: true,
	}
	defaultContextParams = ContextParams{
		ContextTokens: 512, BatchTokens: 2048, MicroBatchTokens: 512, MaxSequences: 1,
		MaxOutputsPerSequence: 1, Threads: 4, BatchThreads: 4,
		RopeScaling: -1, Pooling: -1, Attention: -1, FlashAttention: -1,
		YarnExtFactor: -1, YarnAttnFactor: -1, YarnBetaFast: -1, YarnBetaSlow: -1,
		DefragThreshold: -1, TypeK: 1, TypeV: 1,
		OffloadKQV: true, NoPerf: true, OpOffload: true, SWAFull: true,
	}
	defaultQuantizeParams = QuantizeParams{
		FileType: 7, OutputTensorType: 43, TokenEmbeddingType: 43,
		QuantizeOutputTensor: true, Reserved: [2]int32{0, 2},
	}
	defaultThreadpoolParams = ThreadpoolParams{Threads: 3, Poll: 50}
)

// checkLayout calls fn, which returns a struct by hidden pointer, twice on a
// buffer of its own. A byte that held one value before the first call and
// another before the second, and is equal after both, was written.
func checkLayout(fn uintptr, want any, args ...uintptr) string {
	first, second := fill(fn, 0xa5, args...), fill(fn, 0x5a, args...)
	size := int(reflect.TypeOf(want).Size())
	end := 0
	for i := range first {
		if first[i] == second[i] {
			end = i + 1
		}
	}
	if end > size {
		return fmt.Sprintf("the library writes %d bytes, Weir expects %d", end, size)
	}
	v := reflect.ValueOf(want)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Name == "_" {
			continue
		}
		a := first[f.Offset:][:f.Type.Size()]
		if !bytes.Equal(a, second[f.Offset:][:f.Type.Size()]) {
			return fmt.Sprintf("%s at offset %d is not written", f.Name, f.Offset)
		}
		if !bytes.Equal(a, bytesOf(v.Field(i))) {
			return fmt.Sprintf("%s at offset %d is % x by default, Weir expects % x",
				f.Name, f.Offset, a, bytesOf(v.Field(i)))
		}
	}
	return ""
}

func fill(fn uintptr, canary byte, args ...uintptr) []byte {
	buffer := bytes.Repeat([]byte{canary}, canaryBytes)
	arg := uintptr(0)
	if len(args) > 0 {
		arg = args[0]
	}
	purego.SyscallN(fn, uintptr(unsafe.Pointer(&buffer[0])), arg)
	return buffer
}

// bytesOf returns the memory of a value, which need not be addressable.
func bytesOf(v reflect.Value) []byte {
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return unsafe.Slice((*byte)(p.UnsafePointer()), v.Type().Size())
}

// checkBatch has the library allocate a batch: the arrays it makes must be
// where the declaration has them. No default values exist for this one.
func (l *Library) checkBatch() string {
	buffer := bytes.Repeat([]byte{0xa5}, canaryBytes)
	const tokens, embedding, sequences = 3, 0, 1
	purego.SyscallN(l.c.batchInit, uintptr(unsafe.Pointer(&buffer[0])), tokens, embedding, sequences)
	b := *(*Batch)(unsafe.Pointer(&buffer[0]))
	size := int(unsafe.Sizeof(b))
	if rest := buffer[size:]; bytes.Count(rest, []byte{0xa5}) != len(rest) {
		return fmt.Sprintf("the library writes more than the %d bytes Weir expects", size)
	}
	const unwritten = 0xa5a5a5a5a5a5a5a5
	for _, p := range []uintptr{b.Token, b.Position, b.SequenceCounts, b.SequenceIDs, b.Logits} {
		if p == 0 || p == unwritten {
			return "an array is not where Weir expects it"
		}
	}
	if b.Tokens != 0 || b.Embedding != 0 {
		return "n_tokens or embd is not where Weir expects it"
	}
	l.byValue(l.c.batchFree, 0, words(&b))
	return ""
}
