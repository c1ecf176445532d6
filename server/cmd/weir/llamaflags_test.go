package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate/local"
	"github.com/weirgo/weir/server/wire"
)

// Every flag and every variable that llama-server documents has its fate.
func TestEveryLlamaFlagIsKnown(t *testing.T) {
	list, err := os.ReadFile("testdata/llama-server-flags.txt")
	if err != nil {
		t.Fatal(err)
	}
	flags := newFlagSet("serve", "")
	known := newForeign(flags).names
	variables := map[string]bool{}
	for _, table := range [][]llamaFlag{llamaFlags, llamaDraftFlags} {
		for _, f := range table {
			variables[strings.TrimPrefix(f.env, "!")] = true
		}
	}
	documented := map[string]bool{}
	for word := range strings.FieldsSeq(string(list)) {
		name := strings.TrimLeft(word, "-")
		if documented[word] {
			t.Errorf("%s is there twice", word)
		}
		documented[word] = true
		switch {
		case name == word:
			if !variables[name] {
				t.Errorf("the variable %s is not known", name)
			}
		case known[name] == nil && name != "h" && name != "help":
			t.Errorf("the flag %s is not known", word)
		}
	}
}

// What is said to be the same is a flag here, and says why what is not.
func TestLlamaFlagsAreWhole(t *testing.T) {
	seen, variables := map[string]bool{}, map[string]bool{}
	var help bytes.Buffer
	if _, err := parseOptions([]string{"-h"}, &help); err == nil {
		t.Fatal("no help")
	}
	for _, table := range [][]llamaFlag{llamaFlags, llamaDraftFlags} {
		for _, f := range table {
			if f.env != "" && variables[f.env] {
				t.Errorf("%s stands for two flags", f.env)
			}
			variables[f.env] = true
			for name := range strings.FieldsSeq(f.names) {
				if seen[name] {
					t.Errorf("%s is there twice", name)
				}
				seen[name] = true
				dashes := "--"
				if len(name) <= 3 {
					dashes = "-"
				}
				if shown := slices.Contains(strings.FieldsFunc(help.String(), func(c rune) bool { return c == ' ' || c == ',' || c == '\n' }), dashes+name); shown != (f.fate == same) {
					t.Errorf("%s: in the help: %v", name, shown)
				}
			}
			if (f.why != "") != (f.fate == idle || f.fate == refused) {
				t.Errorf("%s: why: %q", f.names, f.why)
			}
		}
	}
}

// llamaLine is a command line with variables of the environment, and what it
// means.
type llamaLine struct {
	name  string
	args  string
	env   []string // names and values in turns
	notes []string // each begins a warning
	text  string   // of the error
	check func(*options) bool
}

var llamaLines = []llamaLine{
	{name: "flash attention without a value", args: "-fa -c 512", check: func(o *options) bool {
		return o.contextTokens == 512 && o.flashAttention == engine.FlashAttentionOn
	}},
	{name: "flash attention with one", args: "-fa on --flash-attn off", check: func(o *options) bool { return o.flashAttention == engine.FlashAttentionOff }},
	{name: "flash attention and =", args: "-fa on --flash-attn=auto", check: func(o *options) bool { return o.flashAttention == engine.FlashAttentionAuto }},
	{name: "flash attention of another kind", args: "-fa=perhaps", text: "give on, off or auto"},
	{name: "what is so in any case", args: "--jinja --metrics -cb --no-webui -ctk f16 --cache-type-v f16 --mmap --no-context-shift --offline -kvo"},
	{name: "a common command line", args: "-fa on -t 8 -tb 8 -b 512 -ub 256 --mlock --no-mmap --no-warmup -ngl all -np 2 --threads-http 4 --props --slots --alias m", notes: []string{"--no-warmup ", "--threads-http "}, check: func(o *options) bool {
		return o.threads == 8 && o.batchTokens == 512 && o.lockMemory && o.noMemoryMap && o.gpuLayers == -1 && o.parallel == 2 && o.routes.Props && !o.routes.NoSlots && o.alias == "m"
	}},
	{name: "defaults that are said", args: "-np -1 -t -1 -tb -1 -n -1 -s 4294967295 -ngl auto", check: func(o *options) bool {
		return o.parallel == 4 && o.threads == 0 && o.predict == 0 && o.seed == -1 && o.gpuLayers == -1
	}},
	{name: "underscores", args: "--ctx_size 256 --n_predict=7", check: func(o *options) bool { return o.contextTokens == 256 && o.predict == 7 }},
	{name: "sampling", args: "--temp 0.5 --repeat-penalty 1.1 --repeat-last-n -1 --presence-penalty 0.5 --dry-multiplier 0.8 --mirostat 2 --mirostat-ent 4 --typical 0.9 --top-nsigma 1 --xtc-probability 0.5 -l 5-inf --logit-bias 7+1.5 --ignore-eos", check: func(o *options) bool {
		s := o.defaults().Sampling
		return s.Temperature == 0.5 && s.Penalties == (ask.Penalties{LastTokens: -1, Repeat: 1.1, Presence: 0.5}) && s.DRY.Multiplier == 0.8 && s.Mirostat == 2 &&
			s.MirostatTau == 4 && s.TypicalP == 0.9 && s.TopNSigma == 1 && s.XTCProbability == 0.5 && len(s.Bias) == 2 && s.Bias[1] == ask.Bias{Token: 7, Add: 1.5} && o.routes.IgnoreEOS
	}},
	{name: "samplers", args: "--samplers top_k;temperature --top-p 0.5", check: func(o *options) bool {
		s := o.defaults().Sampling
		return s.TopK == 40 && s.TopP == 1 && s.MinP == 0
	}},
	{name: "samplers by letters", args: "--sampling-seq kt", check: func(o *options) bool { return o.defaults().Sampling.MinP == 0 }},
	{name: "samplers in another order", args: "--samplers temperature;top_k", text: "samplers: top_k is applied before temperature"},
	{name: "breakers", args: "--dry-sequence-breaker a --dry-sequence-breaker b", check: func(o *options) bool {
		return slices.Equal(o.defaults().Sampling.DRY.Breakers, []string{"a", "b"})
	}},
	{name: "no breakers", args: "--dry-sequence-breaker none", check: func(o *options) bool { return len(o.defaults().Sampling.DRY.Breakers) == 0 }},
	{name: "a named template", args: "--jinja --chat-template llama3", check: func(o *options) bool { source, _ := chat.Named("llama3"); return o.template == source }},
	{name: "a template", args: "--chat-template {{messages}}", check: func(o *options) bool { return o.template == "{{messages}}" }},
	{name: "the likeliest token alone", args: "--top-p 0 --typical-p 0", check: func(o *options) bool {
		return o.sampling.TopP > 0 && o.sampling.TopP < 1e-9 && o.sampling.TypicalP > 0 && o.sampling.TypicalP < 1e-9
	}},
	{name: "no such template", args: "--chat-template llama9", text: "give one of bailing"},
	{name: "variables", args: `--chat-template-kwargs {"a":1} --reasoning-budget 0 --reasoning-effort low`, check: func(o *options) bool {
		return string(o.routes.TemplateArgs) == `{"a":1,"enable_thinking":false,"reasoning_effort":"low"}`
	}},
	{name: "variables that are none", args: "--chat-template-kwargs [1]", text: "no JSON object"},
	{name: "no variables", check: func(o *options) bool { return string(o.routes.TemplateArgs) == `{"enable_thinking":true}` }},
	{name: "reasoning", args: "--reasoning-format none", check: func(o *options) bool { return o.routes.RawReasoning }},
	{name: "a budget", args: "--reasoning-budget 100 --reasoning-budget-message Enough", check: func(o *options) bool {
		return o.routes.Thinking == ask.Thinking{Bounded: true, Tokens: 100, Message: "Enough"} && string(o.routes.TemplateArgs) == `{"enable_thinking":true}`
	}},
	{name: "no budget", args: "--reasoning-budget -2", text: "give a number of tokens"},
	{name: "grammar", args: "--grammar root::=.", check: func(o *options) bool {
		return o.routes.Format == ask.Format{Kind: ask.FormatGrammar, Source: "root::=."}
	}},
	{name: "grammar and schema", args: "--grammar x -j {}", text: "give one"},
	{name: "a schema that is none", args: "-j {", text: "--json-schema is no JSON"},
	{name: "stop strings", args: "-r a --reverse-prompt b", check: func(o *options) bool { return slices.Equal(o.routes.Stop, []string{"a", "b"}) }},
	{name: "a stop string that is none", args: "--reverse-prompt=", text: "--reverse-prompt: string 0 has 0 bytes"},
	{name: "prefix and pages", args: "--api-prefix /llm --cors-origins localhost", check: func(o *options) bool {
		return o.routes.Prefix == "/llm" && slices.Equal(o.corsOrigins, []string{"localhost"})
	}},
	{name: "a prefix that is none", args: "--api-prefix llm/", text: "--api-prefix"},
	{name: "aliases", args: "--alias b,a --tags y,x", check: func(o *options) bool {
		return o.alias == "a" && slices.Equal(o.routes.Aliases, []string{"a", "b"}) && slices.Equal(o.routes.Tags, []string{"y", "x"})
	}},
	{name: "load modes", args: "-lm none", check: func(o *options) bool { return o.noMemoryMap && !o.lockMemory }},
	{name: "verbosity", args: "-lv 2", check: func(o *options) bool { return o.logLevel == "warn" }},
	{name: "slots", args: "--slot-save-path .", check: func(o *options) bool { return o.llama.slotDir == "." && o.defaults().Keep }},
	{name: "no reuse", args: "--no-cache-prompt", check: func(o *options) bool { return o.llama.noCachePrompt }},
	{name: "reuse", args: "--no-cache-prompt --cache-prompt", check: func(o *options) bool { return !o.llama.noCachePrompt }},
	{name: "sleep", args: "--sleep-idle-seconds 90", check: func(o *options) bool { return o.llama.sleepAfter == 90*time.Second }},
	{name: "no sleep", args: "--sleep-idle-seconds 90 --sleep-idle-seconds -1", check: func(o *options) bool { return o.llama.sleepAfter == 0 }},
	{name: "sleep at once", args: "--sleep-idle-seconds 0", text: "from 1 on"},
	{name: "reuse by key", args: "--cache-per-key", check: func(o *options) bool { return o.cachePerKey && !o.llama.noCachePrompt }},
	{name: "no reuse, by a variable", env: []string{"LLAMA_ARG_CACHE_PROMPT", "0"}, check: func(o *options) bool { return o.llama.noCachePrompt }},
	{name: "states in memory", args: "-cram 100", check: func(o *options) bool { return o.cache.ramBytes() == 100<<20 }},
	{name: "any number of them", args: "--cache-ram -1", check: func(o *options) bool { return o.cache.ramBytes() == -1 }},
	{name: "none", args: "--cache-ram 0", check: func(o *options) bool { return o.cache.ramBytes() == 0 }},
	{name: "as many as there is room for", check: func(o *options) bool {
		n := o.cache.ramBytes()
		return n > 0 && n <= 8<<30
	}},
	{name: "states on disk", args: "--cache-disk d --cache-disk-limit 5", check: func(o *options) bool { return o.cache.dir == "d" && o.cache.diskLimit == 5 }},
	{name: "less than none", args: "--cache-ram -2", text: "--cache-ram is -2"},
	{name: "a limit of nothing", args: "--cache-disk-limit 5", text: "without --cache-disk"},
	{name: "a limit below 0", args: "--cache-disk d --cache-disk-limit -5", text: "--cache-disk-limit is -5"},
	{name: "slots nowhere", args: "--slot-save-path nowhere", text: "nowhere, which is no directory"},
	{name: "no shift", check: func(o *options) bool { return !o.llama.contextShift && o.defaults().Shift.Keep == 0 }},
	{name: "a shift", args: "--no-context-shift --context-shift --keep -1", check: func(o *options) bool {
		return o.llama.contextShift && o.defaults().Shift.Keep == -1 && o.batching(nil, nil, nil).ContextShift
	}},
	{name: "a shift by a variable", env: []string{"LLAMA_ARG_CONTEXT_SHIFT", "1"}, check: func(o *options) bool { return o.llama.contextShift }},
	{name: "no shift by a flag", args: "--no-context-shift", env: []string{"LLAMA_ARG_CONTEXT_SHIFT", "1"}, check: func(o *options) bool { return !o.llama.contextShift }},
	{name: "a shape and a shift", args: "--fixed-shape --context-shift", text: "both --fixed-shape and --context-shift"},
	{name: "the file's order", args: "-nr", check: func(o *options) bool { return o.noRepack }},
	{name: "the file's order by a variable", env: []string{"LLAMA_ARG_REPACK", "0"}, check: func(o *options) bool { return o.noRepack }},
	{name: "a shape without flash attention", args: "--fixed-shape -fa off", text: "leave -fa out, or give on"},
	{name: "a shape and lookups", args: "--fixed-shape --spec-type ngram-mod", text: "leave --fixed-shape out, or --spec-type"},
	{name: "a shape and a draft model", args: "--fixed-shape -md small.gguf", text: "leave --fixed-shape out, or --spec-type"},
	{name: "a shape and no drafts", args: "--fixed-shape -md small.gguf --spec-type none", check: func(o *options) bool { return o.fixedShape && !o.drafts.usesModel() }},
	{name: "a shape", args: "--fixed-shape", check: func(o *options) bool { return o.context(engine.Info{}).FixedShape }},
	{name: "nothing to keep", args: "--keep -2", text: "--keep is -2: give a number from -1"},
	{name: "pooling", args: "--embeddings --pooling mean", check: func(o *options) bool { return o.pooling == engine.PoolingMean }},
	{name: "ranks", args: "--embedding --reranking", check: func(o *options) bool { return o.pooling == engine.PoolingRank }},
	{name: "ranks by pooling", args: "--pooling rank", check: func(o *options) bool { return o.pooling == engine.PoolingRank }},
	{name: "a pooling that is none", args: "--pooling first", text: "give none, mean, cls, last or rank"},
	{name: "a quantised cache", args: "-ctk q8_0", text: "-ctk is not supported: the cache is of type f16"},
	{name: "a repository", args: "-hf ggml-org/x", text: "-hf is not supported: weir downloads nothing: get the file and name it with -m"},
	{name: "two values", args: "--control-vector-layer-range 1 2", text: "--control-vector-layer-range is not supported"},
	{name: "a value that is missing", args: "--threads-http", text: "needs an argument: --threads-http"},
	{name: "drafts", args: "-md d.gguf --draft-max 8 --spec-default", check: func(o *options) bool {
		return o.drafts.config() == local.Drafts{Lookup: true, Most: 8} && !o.drafts.usesModel() && o.defaults().Drafts == wire.DraftsInForce{Most: 8}
	}},
	{name: "a draft model", args: "-md d.gguf -ngld 7 --draft-p-min 0.5 -td 4", notes: []string{"-td "}, check: func(o *options) bool {
		return o.drafts.config() == local.Drafts{LeastChance: 0.5} && o.defaults().Drafts == wire.DraftsInForce{Most: 32, LeastChance: 0.5} && o.drafts.usesModel() && o.drafts.model == "d.gguf" && o.drafts.gpuLayers == 7
	}},
	{name: "a draft model and lookups", args: "-md d.gguf --spec-type ngram,draft-simple", check: func(o *options) bool {
		return o.drafts.config().Lookup && o.drafts.usesModel()
	}},
	{name: "a draft model that is not used", args: "-md d.gguf --spec-type none", check: func(o *options) bool { return !o.drafts.usesModel() }},
	{name: "no draft model", args: "--spec-type draft-simple", text: "name one with -md"},
	{name: "a draft model to download", args: "-hfd x/y", text: "-hfd is not supported: weir downloads nothing: get the file and name it with -md"},
	{name: "a chance that is none", args: "--draft-p-min 2", text: "--draft-p-min is 2: give a number from 0 to 1"},
	{name: "no drafts", args: "--spec-type none", check: func(o *options) bool { return o.drafts.config() == local.Drafts{} }},
	{name: "drafts of several kinds", args: "--spec-type draft-mtp,ngram-mod --spec-ngram-mod-n-match 24 --spec-ngram-mod-n-min 4 --spec-ngram-mod-n-max 64", notes: []string{"--spec-type draft-mtp "}, check: func(o *options) bool {
		return o.drafts.config() == local.Drafts{Lookup: true, Most: 64, Least: 4, Match: 24}
	}},
	{name: "drafts for who asks", args: "--spec-type ngram-simple --draft-max 0 --spec-ngram-min-hits 1", check: func(o *options) bool {
		return o.drafts.config() == local.Drafts{Lookup: true, Most: -1} && o.defaults().Drafts == wire.DraftsInForce{}
	}},
	{name: "drafts by variables", env: []string{"LLAMA_ARG_SPEC_TYPE", "ngram-map-k", "LLAMA_ARG_DRAFT_MAX", "6", "LLAMA_ARG_SPEC_DRAFT_N_MIN", "2"}, check: func(o *options) bool {
		return o.drafts.config() == local.Drafts{Lookup: true, Most: 6, Least: 2}
	}},
	{name: "drafts of no kind", args: "--spec-type ngrams", text: "--spec-type is \"ngrams\": give none, ngram or draft-simple"},
	{name: "drafts that are too long", args: "--draft-max 1000", text: "--draft-max is 1000: give a number from 0 to 128"},
	{name: "variables of the environment", env: []string{"LLAMA_ARG_CTX_SIZE", "2048", "LLAMA_ARG_N_PARALLEL", "2", "LLAMA_ARG_FLASH_ATTN", "on", "LLAMA_ARG_ENDPOINT_METRICS", "1", "LLAMA_ARG_MMAP", "0", "LLAMA_ARG_HOST", "0.0.0.0"}, check: func(o *options) bool {
		return o.flashAttention == engine.FlashAttentionOn && o.contextTokens == 2048 && o.parallel == 2 && o.noMemoryMap && o.host == "0.0.0.0"
	}},
	{name: "a flag goes before a variable", args: "-c 64", env: []string{"LLAMA_ARG_CTX_SIZE", "2048"}, check: func(o *options) bool { return o.contextTokens == 64 }},
	{name: "an empty variable", env: []string{"LLAMA_ARG_CTX_SIZE", ""}},
	{name: "a variable that says no", env: []string{"LLAMA_ARG_ENDPOINT_SLOTS", "off", "LLAMA_ARG_CONTEXT_SHIFT", "false"}, check: func(o *options) bool { return o.routes.NoSlots }},
	{name: "a variable that is refused", env: []string{"LLAMA_ARG_HF_REPO", "x/y"}, text: "environment variable LLAMA_ARG_HF_REPO is not supported"},
	{name: "a variable that is no number", env: []string{"LLAMA_ARG_PORT", "many"}, text: "environment variable LLAMA_ARG_PORT"},
	{name: "a variable that is no truth", env: []string{"LLAMA_ARG_JINJA", "perhaps"}, text: "environment variable LLAMA_ARG_JINJA: \"perhaps\""},
}

func TestLlamaCommandLines(t *testing.T) {
	for _, test := range llamaLines {
		t.Run(test.name, func(t *testing.T) {
			for i := 0; i < len(test.env); i += 2 {
				t.Setenv(test.env[i], test.env[i+1])
			}
			o, err := parseOptions(append([]string{"-m", "x"}, strings.Fields(test.args)...), io.Discard)
			if test.text != "" {
				if err == nil || !strings.Contains(err.Error(), test.text) {
					t.Fatalf("%v, want %q", err, test.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if test.check != nil && !test.check(&o) {
				t.Errorf("%+v", o)
			}
			if len(o.llama.notes) != len(test.notes) {
				t.Fatalf("%q, want %q", o.llama.notes, test.notes)
			}
			for i, note := range o.llama.notes {
				if !strings.HasPrefix(note, test.notes[i]) {
					t.Errorf("%q, want %q", note, test.notes[i])
				}
			}
		})
	}
}

// A template may be plain text; only a word is taken for a name.
func TestTemplatesWithBlanksAreNoNames(t *testing.T) {
	const plain = "This is no name"
	if template, err := named(plain); err != nil || template != plain {
		t.Errorf("%q, %v", template, err)
	}
}
