package main

// sharing is why the draft model has no threads of its own: it computes when the other
// does not.
const sharing = "the draft model computes on the threads of the other, when that does not"

// hits is why the flags for how often something must have been there change nothing.
const hits = "how often drafts were right decides"

// llamaDraftFlags are llama-server's flags of speculative decoding. Drafts change
// how fast answers come and not what they are.
var llamaDraftFlags = []llamaFlag{
	{"spec-draft-hf hfd hfrd hf-repo-draft", value, "LLAMA_ARG_SPEC_DRAFT_HF_REPO", refused, "", "weir downloads nothing: get the file and name it with -md"},
	{"spec-draft-model md model-draft", value, "LLAMA_ARG_SPEC_DRAFT_MODEL", same, "", ""},
	{"spec-draft-type-k ctkd cache-type-k-draft", value, "LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_K", idle, "f16", "the draft model's cache is of type f16"},
	{"spec-draft-type-v ctvd cache-type-v-draft", value, "LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_V", idle, "f16", "the draft model's cache is of type f16"},
	{"spec-draft-threads td threads-draft", value, "", idle, "", sharing},
	{"spec-draft-threads-batch tbd threads-batch-draft", value, "", idle, "", sharing},
	{"spec-draft-cpu-mask Cd cpu-mask-draft", value, "", idle, "", sharing},
	{"spec-draft-cpu-range Crd cpu-range-draft", value, "", idle, "", sharing},
	{"spec-draft-cpu-strict cpu-strict-draft", value, "", idle, "", sharing},
	{"spec-draft-prio prio-draft", value, "", idle, "", sharing},
	{"spec-draft-poll poll-draft", value, "", idle, "", sharing},
	{"spec-draft-cpu-mask-batch Cbd cpu-mask-batch-draft", value, "", idle, "", sharing},
	{"spec-draft-cpu-strict-batch cpu-strict-batch-draft", value, "", idle, "", sharing},
	{"spec-draft-prio-batch prio-batch-draft", value, "", idle, "", sharing},
	{"spec-draft-poll-batch poll-batch-draft", value, "", idle, "", sharing},
	{"spec-draft-override-tensor otd override-tensor-draft", value, "", idle, "", placing},
	{"spec-draft-cpu-moe cmoed cpu-moe-draft", nothing, "LLAMA_ARG_SPEC_DRAFT_CPU_MOE", idle, "", sharing},
	{"spec-draft-n-cpu-moe spec-draft-ncmoe ncmoed n-cpu-moe-draft", value, "LLAMA_ARG_SPEC_DRAFT_N_CPU_MOE", idle, "", sharing},
	{"spec-draft-n-max", value, "LLAMA_ARG_SPEC_DRAFT_N_MAX", same, "", ""},
	{"spec-draft-n-min", value, "LLAMA_ARG_SPEC_DRAFT_N_MIN", same, "", ""},
	{"spec-synth-len", value, "LLAMA_ARG_SPEC_SYNTH_LEN", idle, "", drafting},
	{"spec-synth-rates", value, "LLAMA_ARG_SPEC_SYNTH_RATES", idle, "", drafting},
	{"spec-draft-p-split draft-p-split", value, "LLAMA_ARG_SPEC_DRAFT_P_SPLIT", idle, "", drafting},
	{"spec-draft-p-min draft-p-min", value, "LLAMA_ARG_SPEC_DRAFT_P_MIN", same, "", ""},
	{"spec-draft-backend-sampling", nothing, "LLAMA_ARG_SPEC_DRAFT_BACKEND_SAMPLING", idle, "", drafting},
	{"no-spec-draft-backend-sampling", nothing, "!LLAMA_ARG_SPEC_DRAFT_BACKEND_SAMPLING", settled, "", ""},
	{"spec-draft-sampling", value, "LLAMA_ARG_SPEC_DRAFT_SAMPLING", idle, "", drafting},
	{"spec-draft-device devd device-draft", value, "", idle, "", placing},
	{"spec-draft-ngl ngld gpu-layers-draft n-gpu-layers-draft", value, "LLAMA_ARG_N_GPU_LAYERS_DRAFT", same, "", ""},
	{"spec-type", value, "LLAMA_ARG_SPEC_TYPE", same, "", ""},
	{"spec-ngram-mod-n-min", value, "", same, "", ""},
	{"spec-ngram-mod-n-max", value, "", same, "", ""},
	{"spec-ngram-mod-n-match", value, "", same, "", ""},
	{"spec-ngram-simple-size-n", value, "", same, "", ""},
	{"spec-ngram-simple-size-m", value, "", same, "", ""},
	{"spec-ngram-simple-min-hits", value, "", idle, "1", hits},
	{"spec-ngram-map-k-size-n", value, "", same, "", ""},
	{"spec-ngram-map-k-size-m", value, "", same, "", ""},
	{"spec-ngram-map-k-min-hits", value, "", idle, "1", hits},
	{"spec-ngram-map-k4v-size-n", value, "", same, "", ""},
	{"spec-ngram-map-k4v-size-m", value, "", same, "", ""},
	{"spec-ngram-map-k4v-min-hits", value, "", idle, "1", hits},
	{"draft draft-n draft-max", value, "LLAMA_ARG_DRAFT_MAX", same, "", ""},
	{"draft-min draft-n-min", value, "LLAMA_ARG_DRAFT_MIN", same, "", ""},
	{"spec-ngram-size-n", value, "", same, "", ""},
	{"spec-ngram-size-m", value, "", same, "", ""},
	{"spec-ngram-min-hits", value, "", idle, "1", hits},
	{"spec-default", nothing, "", same, "", ""},
}
