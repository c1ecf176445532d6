package sys

import (
	"reflect"

	"github.com/ebitengine/purego"
)

// symbols holds the addresses of every C function used, by the name in the
// field's tag. Those of llama.cpp's own libraries must all exist.
type symbols struct {
	version            uintptr `c:"llama_version"`
	systemInfo         uintptr `c:"llama_print_system_info"`
	backendInit        uintptr `c:"llama_backend_init"`
	logSet             uintptr `c:"llama_log_set"`
	backendLoadAll     uintptr `c:"ggml_backend_load_all_from_path"`
	deviceCount        uintptr `c:"ggml_backend_dev_count"`
	deviceByType       uintptr `c:"ggml_backend_dev_by_type"`
	deviceRegistry     uintptr `c:"ggml_backend_dev_backend_reg"`
	registryProc       uintptr `c:"ggml_backend_reg_get_proc_address"`
	threadpoolDefaults uintptr `c:"ggml_threadpool_params_default"`

	modelDefaults    uintptr `c:"llama_model_default_params"`
	contextDefaults  uintptr `c:"llama_context_default_params"`
	quantizeDefaults uintptr `c:"llama_model_quantize_default_params"`
	batchInit        uintptr `c:"llama_batch_init"`
	batchFree        uintptr `c:"llama_batch_free"`

	modelLoad       uintptr `c:"llama_model_load_from_file"`
	modelFree       uintptr `c:"llama_model_free"`
	modelVocab      uintptr `c:"llama_model_get_vocab"`
	modelMetadata   uintptr `c:"llama_model_meta_val_str"`
	modelDesc       uintptr `c:"llama_model_desc"`
	modelSize       uintptr `c:"llama_model_size"`
	modelParameters uintptr `c:"llama_model_n_params"`
	modelContext    uintptr `c:"llama_model_n_ctx_train"`
	modelEmbedding  uintptr `c:"llama_model_n_embd"`
	modelHasDecoder uintptr `c:"llama_model_has_decoder"`
	modelRecurs     uintptr `c:"llama_model_is_recurrent"`
	modelHybrid     uintptr `c:"llama_model_is_hybrid"`
	modelHasEncoder uintptr `c:"llama_model_has_encoder"`
	modelTemplate   uintptr `c:"llama_model_chat_template"`
	modelQuantize   uintptr `c:"llama_model_quantize"`

	vocabType    uintptr `c:"llama_vocab_type"`
	vocabSize    uintptr `c:"llama_vocab_n_tokens"`
	vocabBOS     uintptr `c:"llama_vocab_bos"`
	vocabEOS     uintptr `c:"llama_vocab_eos"`
	vocabIsEOG   uintptr `c:"llama_vocab_is_eog"`
	vocabAddBOS  uintptr `c:"llama_vocab_get_add_bos"`
	vocabAddEOS  uintptr `c:"llama_vocab_get_add_eos"`
	vocabAddSep  uintptr `c:"llama_vocab_get_add_sep"`
	vocabSep     uintptr `c:"llama_vocab_sep"`
	vocabAttr    uintptr `c:"llama_vocab_get_attr"`
	vocabText    uintptr `c:"llama_vocab_get_text"`
	tokenize     uintptr `c:"llama_tokenize"`
	tokenToPiece uintptr `c:"llama_token_to_piece"`

	contextNew       uintptr `c:"llama_init_from_model"`
	contextFree      uintptr `c:"llama_free"`
	contextTokens    uintptr `c:"llama_n_ctx"`
	sequenceTokens   uintptr `c:"llama_n_ctx_seq"`
	batchTokens      uintptr `c:"llama_n_batch"`
	microBatchTokens uintptr `c:"llama_n_ubatch"`
	maxSequences     uintptr `c:"llama_n_seq_max"`
	sequencesLimit   uintptr `c:"llama_max_parallel_sequences"`
	setThreads       uintptr `c:"llama_set_n_threads"`
	attachThreadpool uintptr `c:"llama_attach_threadpool"`
	detachThreadpool uintptr `c:"llama_detach_threadpool"`
	memory           uintptr `c:"llama_get_memory"`
	sequenceRemove   uintptr `c:"llama_memory_seq_rm"`
	sequenceCopy     uintptr `c:"llama_memory_seq_cp"`
	sequenceFirst    uintptr `c:"llama_memory_seq_pos_min"`
	sequenceAdd      uintptr `c:"llama_memory_seq_add"`
	memoryCanShift   uintptr `c:"llama_memory_can_shift"`
	decode           uintptr `c:"llama_decode"`
	synchronize      uintptr `c:"llama_synchronize"`
	logits           uintptr `c:"llama_get_logits_ith"`

	stateSize uintptr `c:"llama_state_seq_get_size"`
	stateGet  uintptr `c:"llama_state_seq_get_data"`
	stateSet  uintptr `c:"llama_state_seq_set_data"`

	modelEmbeddingOut uintptr `c:"llama_model_n_embd_out"`
	modelClasses      uintptr `c:"llama_model_n_cls_out"`
	pooling           uintptr `c:"llama_pooling_type"`
	embeddingSequence uintptr `c:"llama_get_embeddings_seq"`
	embeddingRow      uintptr `c:"llama_get_embeddings_ith"`
}

// resolve finds each symbol in the first of handles that has it, and returns
// the names found in none.
func (s *symbols) resolve(handles []uintptr) (missing []string) {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("c")
		address := lookup(handles, name)
		if address == 0 {
			missing = append(missing, name)
			continue
		}
		// Unexported fields cannot be set by reflection.
		*(*uintptr)(v.Field(i).Addr().UnsafePointer()) = address
	}
	return missing
}

func lookup(handles []uintptr, name string) uintptr {
	for _, handle := range handles {
		if address, err := purego.Dlsym(handle, name); err == nil {
			return address
		}
	}
	return 0
}
