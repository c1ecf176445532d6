package main

// arity is what a flag of llama-server takes.
type arity uint8

const (
	nothing arity = iota
	value
	maybe // on, off or auto, or nothing: on
	pair
)

// fate is what becomes of a flag of llama-server here.
type fate uint8

const (
	same    fate = iota // weir serve has it, with the same meaning
	settled             // it is so here in any case
	idle                // has no equal here, and does no harm: one line of warning
	refused             // would change what clients get: the server does not start
)

// llamaFlag is a flag of llama-server. A pair of flags that say yes and no is two
// of them; the one for no has "!" before the variable, which then must be false.
type llamaFlag struct {
	names string // without dashes, between spaces
	takes arity
	env   string // a variable of the environment that stands for it, or ""
	fate  fate
	fine  string // values, between spaces, that change nothing here
	why   string // of the warning or the refusal; in the latter, what to do instead
}

const (
	pinning   = "threads are not pinned: use taskset"
	placing   = "the engine places the model by itself; see -ngl"
	drafting  = "drafts are those of --spec-type ngram and of -md: answers are the same"
	logging1  = "the log goes to stderr as it is"
	scaling   = "positions are scaled as the model's file says: write it there"
	onePer    = "weir serves one model a process: start one for each"
	download  = "weir downloads nothing: get the file and name it with -m"
	textOnly  = "weir reads text only: leave it out"
	noAdapter = "adapters are not supported yet: merge it into the model's file"
	noPage    = "the page keeps its settings in the browser"
	noTools   = "weir runs no tools of its own: leave it out, and let clients run theirs"
	noCache   = "what is kept of prompts goes by --cache-ram and --cache-disk alone"
	cacheType = "the cache is of type f16: leave it out"
)

// llamaFlags is every flag that llama-server documents.
var llamaFlags = []llamaFlag{
	// The model, and how it is computed.
	{"m model", value, "LLAMA_ARG_MODEL", same, "", ""},
	{"a alias", value, "LLAMA_ARG_ALIAS", same, "", ""},
	{"c ctx-size", value, "LLAMA_ARG_CTX_SIZE", same, "", ""},
	{"np parallel", value, "LLAMA_ARG_N_PARALLEL", same, "", ""},
	{"b batch-size", value, "LLAMA_ARG_BATCH", same, "", ""},
	{"ub ubatch-size", value, "LLAMA_ARG_UBATCH", same, "", ""},
	{"t threads", value, "LLAMA_ARG_THREADS", same, "", ""},
	{"tb threads-batch", value, "", same, "", ""},
	{"ngl gpu-layers n-gpu-layers", value, "LLAMA_ARG_N_GPU_LAYERS", same, "", ""},
	{"lm load-mode", value, "LLAMA_ARG_LOAD_MODE", same, "", ""},
	{"mlock", nothing, "LLAMA_ARG_MLOCK", same, "", ""},
	{"mmap", nothing, "LLAMA_ARG_MMAP", settled, "", ""},
	{"no-mmap", nothing, "!LLAMA_ARG_MMAP", same, "", ""},
	{"C cpu-mask", value, "", idle, "", pinning},
	{"Cr cpu-range", value, "", idle, "", pinning},
	{"cpu-strict", value, "", idle, "0", pinning},
	{"prio", value, "", idle, "0", "the process keeps its priority: use nice"},
	{"poll", value, "", idle, "50", "the engine waits for work as it likes"},
	{"Cb cpu-mask-batch", value, "", idle, "", pinning},
	{"Crb cpu-range-batch", value, "", idle, "", pinning},
	{"cpu-strict-batch", value, "", idle, "0", pinning},
	{"prio-batch", value, "", idle, "0", "the process keeps its priority: use nice"},
	{"poll-batch", value, "", idle, "", "the engine waits for work as it likes"},
	{"keep", value, "", same, "", ""},
	{"swa-full", nothing, "LLAMA_ARG_SWA_FULL", idle, "", "the cache is sized by the engine"},
	{"fa flash-attn", maybe, "LLAMA_ARG_FLASH_ATTN", same, "", ""},
	{"perf", nothing, "LLAMA_ARG_PERF", idle, "", "see /metrics"},
	{"no-perf", nothing, "!LLAMA_ARG_PERF", settled, "", ""},
	{"e escape", nothing, "", settled, "", ""},
	{"no-escape", nothing, "", settled, "", ""},
	{"rope-scaling", value, "LLAMA_ARG_ROPE_SCALING_TYPE", refused, "", scaling},
	{"rope-scale", value, "LLAMA_ARG_ROPE_SCALE", refused, "1 1.0", scaling},
	{"rope-freq-base", value, "LLAMA_ARG_ROPE_FREQ_BASE", refused, "0 0.0", scaling},
	{"rope-freq-scale", value, "LLAMA_ARG_ROPE_FREQ_SCALE", refused, "1 1.0", scaling},
	{"yarn-orig-ctx", value, "LLAMA_ARG_YARN_ORIG_CTX", refused, "0", scaling},
	{"yarn-ext-factor", value, "LLAMA_ARG_YARN_EXT_FACTOR", refused, "-1 -1.0", scaling},
	{"yarn-attn-factor", value, "LLAMA_ARG_YARN_ATTN_FACTOR", refused, "-1 -1.0", scaling},
	{"yarn-beta-slow", value, "LLAMA_ARG_YARN_BETA_SLOW", refused, "-1 -1.0", scaling},
	{"yarn-beta-fast", value, "LLAMA_ARG_YARN_BETA_FAST", refused, "-1 -1.0", scaling},
	{"kvo kv-offload", nothing, "LLAMA_ARG_KV_OFFLOAD", settled, "", ""},
	{"nkvo no-kv-offload", nothing, "!LLAMA_ARG_KV_OFFLOAD", idle, "", placing},
	{"repack", nothing, "LLAMA_ARG_REPACK", settled, "", ""},
	{"nr no-repack", nothing, "!LLAMA_ARG_REPACK", same, "", ""},
	{"no-host", nothing, "LLAMA_ARG_NO_HOST", idle, "", placing},
	{"ctk cache-type-k", value, "LLAMA_ARG_CACHE_TYPE_K", refused, "f16", cacheType},
	{"ctv cache-type-v", value, "LLAMA_ARG_CACHE_TYPE_V", refused, "f16", cacheType},
	{"dt defrag-thold", value, "LLAMA_ARG_DEFRAG_THOLD", idle, "", "the engine does not defragment any more"},
	{"rpc", value, "LLAMA_ARG_RPC", refused, "", "the engine runs in this process alone: leave it out"},
	{"lzm lazy-mode", value, "LLAMA_ARG_LAZY_MODE", idle, "auto", placing},
	{"numa", value, "LLAMA_ARG_NUMA", idle, "", "use numactl"},
	{"dev device", value, "LLAMA_ARG_DEVICE", idle, "", placing},
	{"ot override-tensor", value, "LLAMA_ARG_OVERRIDE_TENSOR", idle, "", placing},
	{"cmoe cpu-moe", nothing, "LLAMA_ARG_CPU_MOE", idle, "", placing},
	{"ncmoe n-cpu-moe", value, "LLAMA_ARG_N_CPU_MOE", idle, "", placing},
	{"moe-cache-mib", value, "LLAMA_ARG_MOE_CACHE_MIB", idle, "0", placing},
	{"ncffn n-cpu-ffn", value, "LLAMA_ARG_N_CPU_FFN", idle, "", placing},
	{"sm split-mode", value, "LLAMA_ARG_SPLIT_MODE", idle, "layer", placing},
	{"ts tensor-split", value, "LLAMA_ARG_TENSOR_SPLIT", idle, "", placing},
	{"mg main-gpu", value, "LLAMA_ARG_MAIN_GPU", idle, "0", placing},
	{"fit", maybe, "LLAMA_ARG_FIT", idle, "", placing},
	{"fitt fit-target", value, "LLAMA_ARG_FIT_TARGET", idle, "", placing},
	{"fitc fit-ctx", value, "LLAMA_ARG_FIT_CTX", idle, "", placing},
	{"check-tensors", nothing, "", idle, "", "every file is tried before it is served; see weir models verify"},
	{"override-kv", value, "", refused, "", "a model is served as its file says: change it there"},
	{"op-offload", nothing, "", settled, "", ""},
	{"no-op-offload", nothing, "", idle, "", placing},
	{"lora", value, "", refused, "", noAdapter},
	{"lora-scaled", value, "", refused, "", noAdapter},
	{"lora-init-without-apply", nothing, "", idle, "", "there are no adapters"},
	{"control-vector", value, "", refused, "", noAdapter},
	{"control-vector-scaled", value, "", refused, "", noAdapter},
	{"control-vector-layer-range", pair, "", refused, "", noAdapter},
	{"warmup", nothing, "", settled, "", ""},
	{"no-warmup", nothing, "", idle, "", "a file that was not tried before is tried once; see --no-verify"},
	{"bs backend-sampling", nothing, "LLAMA_ARG_BACKEND_SAMPLING", idle, "", "tokens are drawn in Go"},

	// Where it comes from.
	{"mu model-url", value, "LLAMA_ARG_MODEL_URL", refused, "", download},
	{"dr docker-repo", value, "LLAMA_ARG_DOCKER_REPO", refused, "", download},
	{"hf hfr hf-repo", value, "LLAMA_ARG_HF_REPO", refused, "", download},
	{"hff hf-file", value, "LLAMA_ARG_HF_FILE", refused, "", download},
	{"hft hf-token", value, "", idle, "", "nothing is downloaded"}, // HF_TOKEN is everybody's
	{"offline", nothing, "LLAMA_ARG_OFFLINE", settled, "", ""},
	{"embd-gemma-default fim-qwen-1.5b-default fim-qwen-3b-default fim-qwen-7b-default fim-qwen-7b-spec fim-qwen-14b-spec " +
		"fim-qwen-30b-default gpt-oss-20b-default gpt-oss-120b-default vision-gemma-4b-default vision-gemma-12b-default",
		nothing, "", refused, "", download},
	{"models-dir", value, "LLAMA_ARG_MODELS_DIR", refused, "", onePer},
	{"models-preset", value, "LLAMA_ARG_MODELS_PRESET", refused, "", onePer},
	{"models-max", value, "LLAMA_ARG_MODELS_MAX", idle, "", onePer},
	{"models-autoload", nothing, "LLAMA_ARG_MODELS_AUTOLOAD", idle, "", onePer},
	{"no-models-autoload", nothing, "!LLAMA_ARG_MODELS_AUTOLOAD", idle, "", onePer},
	{"tags", value, "LLAMA_ARG_TAGS", same, "", ""},

	// What is only said.
	{"version", nothing, "", refused, "", "run weir version"},
	{"cl cache-list", nothing, "", refused, "", "there is no cache of models: leave it out"},
	{"list-devices", nothing, "", refused, "", "run weir doctor"},
	{"completion-bash", nothing, "", refused, "", "there is no completion: run weir serve -h"},
	{"usage", nothing, "", refused, "", "run weir serve -h"},
	{"license", nothing, "", refused, "", "see the file LICENSE"},
	{"v verbose log-verbose", nothing, "", same, "", ""},
	{"lv verbosity log-verbosity", value, "LLAMA_ARG_LOG_VERBOSITY", same, "", ""},
	{"log-disable", nothing, "", same, "", ""},
	{"log-file", value, "LLAMA_ARG_LOG_FILE", idle, "", logging1},
	{"log-jsonl", nothing, "LLAMA_ARG_LOG_JSONL", idle, "", logging1},
	{"no-log-jsonl", nothing, "!LLAMA_ARG_LOG_JSONL", settled, "", ""},
	{"log-colors", maybe, "LLAMA_ARG_LOG_COLORS", idle, "off auto", logging1},
	{"log-prefix", nothing, "LLAMA_ARG_LOG_PREFIX", settled, "", ""},
	{"no-log-prefix", nothing, "!LLAMA_ARG_LOG_PREFIX", idle, "", logging1},
	{"log-timestamps", nothing, "LLAMA_ARG_LOG_TIMESTAMPS", settled, "", ""},
	{"no-log-timestamps", nothing, "!LLAMA_ARG_LOG_TIMESTAMPS", idle, "", logging1},
	{"log-prompts-dir", value, "", refused, "", "what clients say is written nowhere: leave it out"},

	// Sampling.
	{"samplers", value, "", same, "", ""},
	{"sampler-seq sampling-seq", value, "", same, "", ""},
	{"s seed", value, "", same, "", ""},
	{"ignore-eos", nothing, "", same, "", ""},
	{"temp temperature", value, "LLAMA_ARG_TEMPERATURE", same, "", ""},
	{"top-k", value, "LLAMA_ARG_TOP_K", same, "", ""},
	{"top-p", value, "LLAMA_ARG_TOP_P", same, "", ""},
	{"min-p", value, "LLAMA_ARG_MIN_P", same, "", ""},
	{"top-nsigma top-n-sigma", value, "", same, "", ""},
	{"xtc-probability", value, "", same, "", ""},
	{"xtc-threshold", value, "", same, "", ""},
	{"typical typical-p", value, "", same, "", ""},
	{"repeat-last-n", value, "", same, "", ""},
	{"repeat-penalty", value, "LLAMA_ARG_REPEAT_PENALTY", same, "", ""},
	{"presence-penalty", value, "LLAMA_ARG_PRESENCE_PENALTY", same, "", ""},
	{"frequency-penalty", value, "LLAMA_ARG_FREQUENCY_PENALTY", same, "", ""},
	{"dry-multiplier", value, "", same, "", ""},
	{"dry-base", value, "", same, "", ""},
	{"dry-allowed-length", value, "", same, "", ""},
	{"dry-penalty-last-n", value, "", same, "", ""},
	{"dry-sequence-breaker", value, "", same, "", ""},
	{"adaptive-target", value, "", refused, "-1 -1.0 -1.00", "adaptive-p is not supported: leave it out"},
	{"adaptive-decay", value, "", idle, "", "adaptive-p is not supported"},
	{"dynatemp-range", value, "", same, "", ""},
	{"dynatemp-exp", value, "", same, "", ""},
	{"mirostat", value, "", same, "", ""},
	{"mirostat-lr", value, "", same, "", ""},
	{"mirostat-ent", value, "", same, "", ""},
	{"l logit-bias", value, "", same, "", ""},
	{"grammar", value, "", same, "", ""},
	{"grammar-file", value, "", same, "", ""},
	{"j json-schema", value, "", same, "", ""},
	{"jf json-schema-file", value, "", same, "", ""},
	{"n predict n-predict", value, "LLAMA_ARG_N_PREDICT", same, "", ""},
	{"r reverse-prompt", value, "", same, "", ""},
	{"sp special", nothing, "", refused, "", "control tokens have no text in answers: leave it out"},
	{"context-shift", nothing, "LLAMA_ARG_CONTEXT_SHIFT", same, "", ""},
	{"no-context-shift", nothing, "!LLAMA_ARG_CONTEXT_SHIFT", same, "", ""},

	// Slots and what is kept.
	{"lcs lookup-cache-static", value, "", idle, "", drafting},
	{"lcd lookup-cache-dynamic", value, "", idle, "", drafting},
	{"kv-unified-per-slot", value, "LLAMA_ARG_KV_UNIFIED_PER_SLOT", refused, "", "give -c the sum, -np times as many tokens"},
	{"ctxcp ctx-checkpoints swa-checkpoints", value, "LLAMA_ARG_CTX_CHECKPOINTS", idle, "", noCache},
	{"cms checkpoint-min-step", value, "LLAMA_ARG_CHECKPOINT_MIN_SPACING_NT", idle, "", noCache},
	{"cram cache-ram", value, "LLAMA_ARG_CACHE_RAM", same, "", ""},
	{"kvu kv-unified", nothing, "LLAMA_ARG_KV_UNIFIED", idle, "", "each of -np sequences has its part of -c"},
	{"no-kvu no-kv-unified", nothing, "!LLAMA_ARG_KV_UNIFIED", settled, "", ""},
	{"cache-idle-slots", nothing, "LLAMA_ARG_CACHE_IDLE_SLOTS", idle, "", noCache},
	{"no-cache-idle-slots", nothing, "!LLAMA_ARG_CACHE_IDLE_SLOTS", settled, "", ""},
	{"cache-prompt", nothing, "LLAMA_ARG_CACHE_PROMPT", same, "", ""},
	{"no-cache-prompt", nothing, "!LLAMA_ARG_CACHE_PROMPT", same, "", ""},
	{"cache-reuse", value, "LLAMA_ARG_CACHE_REUSE", idle, "0", noCache},
	{"cb cont-batching", nothing, "LLAMA_ARG_CONT_BATCHING", settled, "", ""},
	{"nocb no-cont-batching", nothing, "!LLAMA_ARG_CONT_BATCHING", idle, "", "requests are always batched; -np 1 takes one at a time"},
	{"slots", nothing, "LLAMA_ARG_ENDPOINT_SLOTS", same, "", ""},
	{"no-slots", nothing, "!LLAMA_ARG_ENDPOINT_SLOTS", same, "", ""},
	{"slot-save-path", value, "LLAMA_ARG_SLOT_SAVE_PATH", same, "", ""},
	{"sps slot-prompt-similarity", value, "", idle, "", noCache},
	{"sleep-idle-seconds", value, "", same, "", ""},

	// HTTP.
	{"host", value, "LLAMA_ARG_HOST", same, "", ""},
	{"port", value, "LLAMA_ARG_PORT", same, "", ""},
	{"reuse-port", nothing, "LLAMA_ARG_REUSE_PORT", refused, "", "a port is one process's: leave it out"},
	{"path", value, "LLAMA_ARG_STATIC_PATH", refused, "", "weir serves no files: leave it out"},
	{"api-prefix", value, "LLAMA_ARG_API_PREFIX", same, "", ""},
	{"api-key", value, "", same, "", ""}, // LLAMA_API_KEY: see keyVariables
	{"api-key-file", value, "LLAMA_ARG_API_KEY_FILE", same, "", ""},
	{"ssl-key-file", value, "LLAMA_ARG_SSL_KEY_FILE", same, "", ""},
	{"ssl-cert-file", value, "LLAMA_ARG_SSL_CERT_FILE", same, "", ""},
	{"to timeout", value, "LLAMA_ARG_TIMEOUT", same, "", ""},
	{"sse-ping-interval", value, "LLAMA_ARG_SSE_PING_INTERVAL", idle, "", "a silent stream is asked whether its client is there, in its own time"},
	{"threads-http", value, "LLAMA_ARG_THREADS_HTTP", idle, "-1", "connections need no threads of their own"},
	{"metrics", nothing, "LLAMA_ARG_ENDPOINT_METRICS", settled, "", ""},
	{"props", nothing, "LLAMA_ARG_ENDPOINT_PROPS", same, "", ""},
	{"cors-origins", value, "LLAMA_ARG_CORS_ORIGINS", same, "", ""},
	{"cors-methods", value, "LLAMA_ARG_CORS_METHODS", idle, "", "GET, POST, DELETE and OPTIONS are allowed"},
	{"cors-headers", value, "LLAMA_ARG_CORS_HEADERS", idle, "", "a page may send the headers that it asks for"},
	{"cors-credentials", nothing, "LLAMA_ARG_CORS_CREDENTIALS", idle, "", "keys are sent in headers, not as credentials of a browser"},
	{"no-cors-credentials", nothing, "!LLAMA_ARG_CORS_CREDENTIALS", settled, "", ""},
	{"ui webui", nothing, "LLAMA_ARG_UI", settled, "", ""},
	{"no-webui no-ui", nothing, "!LLAMA_ARG_UI", same, "", ""},
	{"ui-config webui-config", value, "LLAMA_ARG_UI_CONFIG", idle, "", noPage},
	{"ui-config-file webui-config-file", value, "LLAMA_ARG_UI_CONFIG_FILE", idle, "", noPage},
	{"ui-mcp-proxy webui-mcp-proxy", nothing, "LLAMA_ARG_UI_MCP_PROXY", refused, "", noTools},
	{"no-ui-mcp-proxy no-webui-mcp-proxy", nothing, "!LLAMA_ARG_UI_MCP_PROXY", settled, "", ""},
	{"tools", value, "LLAMA_ARG_TOOLS", refused, "", noTools},
	{"tools-runtime", value, "LLAMA_ARG_TOOLS_RUNTIME", refused, "", noTools},
	{"mcp-servers-config", value, "LLAMA_ARG_MCP_SERVERS_CONFIG", refused, "", noTools},
	{"mcp-servers-json", value, "LLAMA_ARG_MCP_SERVERS_JSON", refused, "", noTools},
	{"ag agent", nothing, "LLAMA_ARG_AGENT", refused, "", noTools},
	{"no-ag no-agent", nothing, "!LLAMA_ARG_AGENT", settled, "", ""},

	// Chats.
	{"jinja", nothing, "LLAMA_ARG_JINJA", settled, "", ""},
	{"no-jinja", nothing, "!LLAMA_ARG_JINJA", idle, "", "templates are always Jinja's"},
	{"chat-template", value, "LLAMA_ARG_CHAT_TEMPLATE", same, "", ""},
	{"chat-template-file", value, "LLAMA_ARG_CHAT_TEMPLATE_FILE", same, "", ""},
	{"chat-template-kwargs", value, "LLAMA_ARG_CHAT_TEMPLATE_KWARGS", same, "", ""},
	{"skip-chat-parsing", nothing, "LLAMA_ARG_SKIP_CHAT_PARSING", refused, "", "requests say what is parsed: leave it out, and send no tools; see --reasoning-format none"},
	{"no-skip-chat-parsing", nothing, "!LLAMA_ARG_SKIP_CHAT_PARSING", settled, "", ""},
	{"prefill-assistant", nothing, "LLAMA_ARG_PREFILL_ASSISTANT", settled, "", ""},
	{"no-prefill-assistant", nothing, "!LLAMA_ARG_PREFILL_ASSISTANT", idle, "", "requests say whether their last message is gone on with"},
	{"reasoning-format", value, "LLAMA_ARG_THINK", same, "", ""},
	{"rea reasoning", value, "LLAMA_ARG_REASONING", same, "", ""},
	{"reasoning-effort", value, "LLAMA_ARG_REASONING_EFFORT", same, "", ""},
	{"reasoning-budget", value, "LLAMA_ARG_THINK_BUDGET", same, "", ""},
	{"reasoning-budget-message", value, "LLAMA_ARG_THINK_BUDGET_MESSAGE", same, "", ""},
	{"reasoning-preserve", nothing, "LLAMA_ARG_REASONING_PRESERVE", settled, "", ""},
	{"no-reasoning-preserve", nothing, "!LLAMA_ARG_REASONING_PRESERVE", idle, "", "the template decides what it shows of earlier thoughts"},
	{"spm-infill", nothing, "", same, "", ""},

	// Other kinds of models.
	{"pooling", value, "LLAMA_ARG_POOLING", same, "", ""},
	{"embd-normalize", value, "", idle, "2", "vectors are as long as each request says"},
	{"embedding embeddings", nothing, "LLAMA_ARG_EMBEDDINGS", settled, "", ""},
	{"rerank reranking", nothing, "LLAMA_ARG_RERANKING", same, "", ""},
	{"mm mmproj", value, "LLAMA_ARG_MMPROJ", refused, "", textOnly},
	{"mmu mmproj-url", value, "LLAMA_ARG_MMPROJ_URL", refused, "", textOnly},
	{"mmproj-auto", nothing, "LLAMA_ARG_MMPROJ_AUTO", idle, "", "there is none"},
	{"no-mmproj no-mmproj-auto", nothing, "!LLAMA_ARG_MMPROJ_AUTO", settled, "", ""},
	{"mmproj-offload", nothing, "LLAMA_ARG_MMPROJ_OFFLOAD", idle, "", "there is no projector"},
	{"no-mmproj-offload", nothing, "!LLAMA_ARG_MMPROJ_OFFLOAD", settled, "", ""},
	{"mmdev mmproj-device", value, "MTMD_BACKEND_DEVICE", idle, "", "there is no projector"},
	{"image-min-tokens", value, "LLAMA_ARG_IMAGE_MIN_TOKENS", idle, "", "only text is read"},
	{"image-max-tokens", value, "LLAMA_ARG_IMAGE_MAX_TOKENS", idle, "", "only text is read"},
	{"mtmd-batch-max-tokens", value, "LLAMA_ARG_MTMD_BATCH_MAX_TOKENS", idle, "", "only text is read"},
	{"video-fps", value, "LLAMA_ARG_VIDEO_FPS", idle, "", "only text is read"},
	{"video-timestamp-interval", value, "LLAMA_ARG_VIDEO_TIMESTAMP_INTERVAL", idle, "", "only text is read"},
	{"video-ffmpeg-dir", value, "LLAMA_ARG_VIDEO_FFMPEG_DIR", idle, "", "only text is read"},
	{"media-path", value, "", idle, "", "only text is read"},
}
