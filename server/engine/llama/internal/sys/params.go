package sys

import "unsafe"

// Padding fields are named _: the library need not write them.

// ModelParams is struct llama_model_params.
type ModelParams struct {
	Devices                  uintptr
	TensorBufferOverrides    uintptr
	GPULayers                int32 // negative: all
	SplitMode                int32
	LoadMode                 LoadMode
	LazyMode                 int32
	MainGPU                  int32
	_                        [4]byte
	TensorSplit              uintptr
	ProgressCallback         uintptr // bool (*)(float, void *): false stops the load
	ProgressCallbackUserData uintptr
	KVOverrides              uintptr
	VocabOnly                bool
	CheckTensors             bool
	UseExtraBuffers          bool
	NoHost                   bool
	NoAlloc                  bool
	LoadMTP                  bool
	_                        [2]byte
}

// LoadMode is enum llama_load_mode: how weights come from the file.
type LoadMode int32

// Values of LoadMode.
const (
	LoadAuto LoadMode = iota - 1
	LoadRead
	LoadMap
	LoadReadLock
	LoadMapLock
	LoadDirect
)

// ContextParams is struct llama_context_params.
type ContextParams struct {
	ContextTokens         uint32
	BatchTokens           uint32
	MicroBatchTokens      uint32
	MaxSequences          uint32
	RecurrentSnapshots    uint32
	MaxOutputs            uint32 // 0: BatchTokens
	MaxOutputsPerSequence uint32 // 0: MaxOutputs
	Threads               int32
	BatchThreads          int32
	ContextType           int32
	RopeScaling           int32
	Pooling               int32
	Attention             int32
	FlashAttention        int32 // -1 auto, 0 off, 1 on
	RopeFreqBase          float32
	RopeFreqScale         float32
	YarnExtFactor         float32
	YarnAttnFactor        float32
	YarnBetaFast          float32
	YarnBetaSlow          float32
	YarnOrigContext       uint32
	DefragThreshold       float32
	EvalCallback          uintptr
	EvalCallbackUserData  uintptr
	TypeK                 int32
	TypeV                 int32
	AbortCallback         uintptr // bool (*)(void *), asked before each graph node
	AbortCallbackData     uintptr
	Embeddings            bool
	OffloadKQV            bool
	NoPerf                bool
	OpOffload             bool
	SWAFull               bool
	KVUnified             bool // one buffer for all sequences
	_                     [2]byte
	Samplers              uintptr
	SamplerCount          uintptr
	OtherContext          uintptr
}

// QuantizeParams is struct llama_model_quantize_params.
type QuantizeParams struct {
	Threads              int32
	FileType             int32
	OutputTensorType     int32
	TokenEmbeddingType   int32
	AllowRequantize      bool
	QuantizeOutputTensor bool
	OnlyCopy             bool
	Pure                 bool
	KeepSplit            bool
	DryRun               bool
	_                    [2]byte
	ImportanceMatrix     uintptr
	KVOverrides          uintptr
	TensorTypes          uintptr
	PruneLayers          uintptr
	Reserved             [2]int32 // not used here; left at the library's defaults
}

// Batch is struct llama_batch, its arrays of Tokens elements.
type Batch struct {
	Tokens         int32
	_              [4]byte
	Token          uintptr // int32[]
	Embedding      uintptr
	Position       uintptr // int32[]
	SequenceCounts uintptr // int32[]
	SequenceIDs    uintptr // int32*[]
	Logits         uintptr // int8[]
}

// ThreadpoolParams is struct ggml_threadpool_params.
type ThreadpoolParams struct {
	CPUMask   [512]bool // all false: wherever the process may run
	Threads   int32
	Priority  int32
	Poll      uint32 // 0: sleep at once, 100: spin long
	StrictCPU bool
	Paused    bool
	_         [2]byte
}

// The library's own sizes and offsets, read off the code of its
// *_default_params functions: an array of any other length does not compile.
var (
	_ [80]byte  = [unsafe.Sizeof(ModelParams{})]byte{}
	_ [160]byte = [unsafe.Sizeof(ContextParams{})]byte{}
	_ [64]byte  = [unsafe.Sizeof(QuantizeParams{})]byte{}
	_ [56]byte  = [unsafe.Sizeof(Batch{})]byte{}
	_ [528]byte = [unsafe.Sizeof(ThreadpoolParams{})]byte{}

	_ [0x18]byte = [unsafe.Offsetof(ModelParams{}.LoadMode)]byte{}
	_ [0x30]byte = [unsafe.Offsetof(ModelParams{}.ProgressCallback)]byte{}
	_ [0x48]byte = [unsafe.Offsetof(ModelParams{}.VocabOnly)]byte{}
	_ [0x1c]byte = [unsafe.Offsetof(ContextParams{}.Threads)]byte{}
	_ [0x54]byte = [unsafe.Offsetof(ContextParams{}.DefragThreshold)]byte{}
	_ [0x70]byte = [unsafe.Offsetof(ContextParams{}.AbortCallback)]byte{}
	_ [0x85]byte = [unsafe.Offsetof(ContextParams{}.KVUnified)]byte{}
	_ [0x88]byte = [unsafe.Offsetof(ContextParams{}.Samplers)]byte{}
	_ [0x10]byte = [unsafe.Offsetof(QuantizeParams{}.AllowRequantize)]byte{}
	_ [0x38]byte = [unsafe.Offsetof(QuantizeParams{}.Reserved)]byte{}
)
