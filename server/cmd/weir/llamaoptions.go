package main

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/llamaserver"
)

// llamaOptions are the flags that weir serve has for who comes from llama-server.
type llamaOptions struct {
	notes []string // warnings about flags without effect

	sampling                        ask.Sampling // with numbers that are flags
	typicalP, topNSigma             float64
	xtcProbability, xtcThreshold    float64
	dynatempRange, dynatempExponent float64
	mirostatTau, mirostatEta        float64
	repeat, presence, frequency     float64
	dryMultiplier, dryBase          float64
	breakers, samplers              string

	ignoreEOS            bool
	stops                []string
	grammar, grammarFile string
	schema, schemaFile   string
	templateArgs         string
	reasoningFormat      string
	reasoning, effort    string
	reasoningBudget      int
	budgetMessage        string
	props, noSlots       bool
	suffixFirst          bool
	apiPrefix            string
	aliases, tags        []string
	slotDir              string
	noCachePrompt        bool
	sleepAfter           time.Duration // 0: never
	contextShift         bool
	keep                 int // tokens that a shift leaves
	logDisabled          bool
}

func defaultLlamaOptions() llamaOptions {
	return llamaOptions{
		typicalP: 1, topNSigma: -1, xtcThreshold: 0.1, dynatempExponent: 1, mirostatTau: 5, mirostatEta: 0.1,
		repeat: 1, dryBase: 1.75, reasoningFormat: "auto", reasoning: "auto", reasoningBudget: -1,
		sampling: ask.Sampling{
			Penalties: ask.Penalties{LastTokens: 64},
			DRY:       ask.DRY{AllowedLength: 2, LastTokens: 64, Breakers: []string{"\n", ":", `"`, "*"}},
		},
	}
}

// defineSampling defines the flags of what requests leave out.
func (l *llamaOptions) defineSampling(f *flagSet) {
	s := &l.sampling
	f.number(&l.topNSigma, "top-nsigma top-n-sigma", "X", "standard deviations below the likeliest; default -1: all")
	f.number(&l.typicalP, "typical typical-p", "X", "locally typical sampling; default 1: off")
	f.number(&l.xtcProbability, "xtc-probability", "X", "how often the likeliest are left out; default 0")
	f.number(&l.xtcThreshold, "xtc-threshold", "X", "which those are; default 0.1")
	f.number(&l.dynatempRange, "dynatemp-range", "X", "of the temperature, by entropy; default 0")
	f.number(&l.dynatempExponent, "dynatemp-exp", "X", "of the entropy; default 1")
	f.whole(&s.Mirostat, "mirostat", "N", "0, 1 or 2; default 0: off")
	f.number(&l.mirostatEta, "mirostat-lr", "X", "learning rate; default 0.1")
	f.number(&l.mirostatTau, "mirostat-ent", "X", "target entropy; default 5")
	f.whole(&s.Penalties.LastTokens, "repeat-last-n", "N", "tokens that penalties look at, -1: all; default 64")
	f.number(&l.repeat, "repeat-penalty", "X", "default 1: none")
	f.number(&l.presence, "presence-penalty", "X", "default 0: none")
	f.number(&l.frequency, "frequency-penalty", "X", "default 0: none")
	f.number(&l.dryMultiplier, "dry-multiplier", "X", "of DRY; default 0: off")
	f.number(&l.dryBase, "dry-base", "X", "of DRY; default 1.75")
	f.whole(&s.DRY.AllowedLength, "dry-allowed-length", "N", "of DRY; default 2")
	f.whole(&s.DRY.LastTokens, "dry-penalty-last-n", "N", "of DRY, -1: all; default 64")
	f.each("dry-sequence-breaker", "TEXT", `of DRY, instead of newline : " *; none: none; may be repeated`, l.addBreaker)
	f.text(&l.samplers, "samplers", "A;B", "those that are used, in the order of llama-server's default")
	f.each("sampler-seq sampling-seq", "ABC", "the same in letters: edskypmxt", func(v string) error {
		names, err := llamaserver.SamplersOf(v)
		l.samplers = strings.Join(names, ";")
		return err
	})
	f.each("l logit-bias", "TOKEN±X", "for a token by its number; may be repeated", l.addBias)
	f.truth(&l.ignoreEOS, "ignore-eos", "go on after the end of the answer")
	f.each("r reverse-prompt", "TEXT", "a stop string; may be repeated", func(v string) error {
		l.stops = append(l.stops, v)
		return nil
	})
	f.text(&l.grammar, "grammar", "GBNF", "grammar that answers are held to")
	f.named(&l.grammarFile, "grammar-file", "FILE", "file with it")
	f.text(&l.schema, "j json-schema", "JSON", "schema that answers are held to")
	f.named(&l.schemaFile, "jf json-schema-file", "FILE", "file with it")
}

// defineChat defines the flags of chats.
func (l *llamaOptions) defineChat(f *flagSet) {
	f.text(&l.templateArgs, "chat-template-kwargs", "JSON", "an object with variables of the chat template")
	f.text(&l.reasoningFormat, "reasoning-format", "auto|none|deepseek", "none leaves what the model thinks in its text; default auto")
	f.text(&l.reasoning, "rea reasoning", "on|off|auto", "whether the template is told to let the model think; default auto: yes")
	f.text(&l.effort, "reasoning-effort", "LEVEL", "what the template is told of it; default: its own")
	f.whole(&l.reasoningBudget, "reasoning-budget", "N", "tokens that the model thinks at most, 0: none; default -1: as it likes")
	f.text(&l.budgetMessage, "reasoning-budget-message", "TEXT", "what ends a thought that is cut off; default none")
}

// defineServer defines the flags of routes.
func (l *llamaOptions) defineServer(f *flagSet) {
	f.text(&l.apiPrefix, "api-prefix", "PREFIX", "what comes before every path")
	f.list(&l.tags, "tags", "TAG[,TAG]", "what /models says of the model beside its name")
	f.truth(&l.props, "props", "accept POST /props")
	f.truth(&l.noSlots, "no-slots", "do not serve /slots")
	f.each("slots", "", "serve /slots, as is the default", func(string) error {
		l.noSlots = false
		return nil
	})
	f.named(&l.slotDir, "slot-save-path", "DIR", "directory where slots are saved; what is computed of requests is then kept in their slots")
	f.truth(&l.noCachePrompt, "no-cache-prompt", "compute every prompt from its first token on; cache_prompt of a request says otherwise")
	f.each("cache-prompt", "", "begin with what is computed of a prompt already, as is the default", func(string) error {
		l.noCachePrompt = false
		return nil
	})
	f.each("sleep-idle-seconds", "N", "unload the model when nobody has asked for anything for so long, until somebody does; default -1: never", l.setSleep)
	f.truth(&l.contextShift, "context-shift", "drop tokens from a full context and go on; default: the answer ends there, for its length")
	f.each("no-context-shift", "", "end an answer where its context is full, as is the default", func(string) error {
		l.contextShift = false
		return nil
	})
	f.whole(&l.keep, "keep", "N", "tokens of a prompt that such a shift keeps, -1: all; n_keep of a request says otherwise; default 0")
	f.truth(&l.suffixFirst, "spm-infill", "/infill with the suffix before the prefix")
}

// setSleep reads --sleep-idle-seconds.
func (l *llamaOptions) setSleep(v string) error {
	n, err := strconv.ParseInt(v, 10, 32)
	switch {
	case err != nil || n == 0 || n < -1:
		return errors.New("not a number of seconds from 1 on, or -1 for never")
	case n < 0:
		l.sleepAfter = 0
	default:
		l.sleepAfter = time.Duration(n) * time.Second
	}
	return nil
}

func (l *llamaOptions) addBreaker(v string) error {
	if l.breakers == "" {
		l.sampling.DRY.Breakers = nil // the default ones
	}
	l.breakers = v
	if v != "none" {
		l.sampling.DRY.Breakers = append(l.sampling.DRY.Breakers, v)
	}
	return nil
}

// addBias reads a token with what is added to its logit: 15043+1 or 15043-1.
func (l *llamaOptions) addBias(v string) error {
	at := strings.IndexAny(v, "+-")
	if at <= 0 {
		return fmt.Errorf("%q is no TOKEN+X or TOKEN-X", v)
	}
	token, err := strconv.ParseUint(v[:at], 10, 31)
	if err != nil {
		return fmt.Errorf("%q is no number of a token", v[:at])
	}
	add, err := strconv.ParseFloat(v[at:], 32)
	if err != nil || math.IsNaN(add) || math.IsInf(add, 1) {
		return fmt.Errorf("%q is no number", v[at:])
	}
	l.sampling.Bias = append(l.sampling.Bias, ask.Bias{Token: ask.Token(token), Add: float32(add)})
	return nil
}

// check reports the first flag out of range.
func (l *llamaOptions) check() error {
	for _, f := range []struct {
		name           string
		value, low, up float64
	}{
		{"--typical-p", l.typicalP, 0, 1}, {"--top-n-sigma", l.topNSigma, -1, 1e6}, {"--xtc-probability", l.xtcProbability, 0, 1},
		{"--xtc-threshold", l.xtcThreshold, 0, 1}, {"--dynatemp-range", l.dynatempRange, 0, 100}, {"--dynatemp-exp", l.dynatempExponent, 0, 100},
		{"--mirostat", float64(l.sampling.Mirostat), 0, 2}, {"--mirostat-lr", l.mirostatEta, 0, 100}, {"--mirostat-ent", l.mirostatTau, 0, 100},
		{"--repeat-penalty", l.repeat, 0, 100}, {"--presence-penalty", l.presence, -100, 100}, {"--frequency-penalty", l.frequency, -100, 100},
		{"--repeat-last-n", float64(l.sampling.Penalties.LastTokens), -1, 1 << 30}, {"--dry-multiplier", l.dryMultiplier, 0, 100},
		{"--dry-base", l.dryBase, 0, 100}, {"--dry-allowed-length", float64(l.sampling.DRY.AllowedLength), 0, 1 << 30},
		{"--dry-penalty-last-n", float64(l.sampling.DRY.LastTokens), -1, 1 << 30}, {"--keep", float64(l.keep), -1, 1 << 30},
	} {
		if !(f.value >= f.low && f.value <= f.up) {
			return fmt.Errorf("serve: %s is %v: give a number from %v to %v", f.name, f.value, f.low, f.up)
		}
	}
	if l.apiPrefix != "" && (!strings.HasPrefix(l.apiPrefix, "/") || strings.HasSuffix(l.apiPrefix, "/")) {
		return fmt.Errorf("serve: --api-prefix is %q: begin it with a slash and do not end it with one", l.apiPrefix)
	}
	if err := wire.CheckStops("--reverse-prompt", l.stops); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return errors.Join(l.checkReasoning(), l.checkFormat())
}

func (l *llamaOptions) checkReasoning() error {
	switch l.reasoningFormat {
	case "auto", "none", "deepseek":
	case "deepseek-legacy":
		return errors.New("serve: --reasoning-format is deepseek-legacy, which says everything twice: give deepseek or none")
	default:
		return fmt.Errorf("serve: --reasoning-format is %q: give one of auto, none, deepseek", l.reasoningFormat)
	}
	switch l.reasoning {
	case "auto", "on", "off":
	default:
		return fmt.Errorf("serve: --reasoning is %q: give one of on, off, auto", l.reasoning)
	}
	if l.reasoningBudget < -1 || l.reasoningBudget > 1<<30 {
		return fmt.Errorf("serve: --reasoning-budget is %d: give a number of tokens, or -1 for as many as the model likes", l.reasoningBudget)
	}
	_, err := l.variables()
	return err
}

// variables returns what the chat template is told, a JSON object. As with
// llama-server, a model may think unless somebody says no.
func (l *llamaOptions) variables() ([]byte, error) {
	object := map[string]any{"enable_thinking": l.reasoning != "off" && l.reasoningBudget != 0}
	if l.templateArgs != "" {
		if err := json.Unmarshal([]byte(l.templateArgs), &object); err != nil || object == nil {
			return nil, errors.New("serve: --chat-template-kwargs is no JSON object: give one, such as {\"enable_thinking\":false}")
		}
	}
	if l.effort != "" && l.effort != "default" {
		object["reasoning_effort"] = l.effort
	}
	return json.Marshal(object, json.Deterministic(true))
}

// checkFormat refuses more than one form.
func (l *llamaOptions) checkFormat() error {
	given := 0
	for _, v := range []string{l.grammar, l.grammarFile, l.schema, l.schemaFile} {
		if v != "" {
			given++
		}
	}
	if given > 1 {
		return errors.New("serve: more than one of --grammar, --grammar-file, --json-schema and --json-schema-file: give one")
	}
	return nil
}

// format returns what answers are held to.
func (l *llamaOptions) format() (ask.Format, error) {
	read := func(path string, into *string) error {
		if path == "" {
			return nil
		}
		content, err := readSmall(path, maxTemplateBytes)
		if err != nil {
			return fmt.Errorf("serve: read what answers are held to: %w", err)
		}
		*into = string(content)
		return nil
	}
	if err := errors.Join(read(l.grammarFile, &l.grammar), read(l.schemaFile, &l.schema)); err != nil {
		return ask.Format{}, err
	}
	switch {
	case l.grammar != "":
		return ask.Format{Kind: ask.FormatGrammar, Source: l.grammar}, nil
	case l.schema != "":
		if schema := jsontext.Value(l.schema); !schema.IsValid() {
			return ask.Format{}, errors.New("serve: --json-schema is no JSON: give a schema, such as {\"type\":\"object\"}")
		}
		return llamaserver.SchemaFormat([]byte(l.schema)), nil
	}
	return ask.Format{}, nil
}

// steps completes the sampling steps that requests leave out.
func (l *llamaOptions) steps(s *ask.Sampling) error {
	given := l.sampling
	given.Temperature, given.TopK, given.TopP, given.MinP = s.Temperature, s.TopK, s.TopP, s.MinP
	given.TypicalP, given.TopNSigma = float32(l.typicalP), float32(max(l.topNSigma, 0))
	given.XTCProbability, given.XTCThreshold = float32(l.xtcProbability), float32(l.xtcThreshold)
	given.DynatempRange, given.DynatempExponent = float32(l.dynatempRange), float32(l.dynatempExponent)
	given.MirostatTau, given.MirostatEta = float32(l.mirostatTau), float32(l.mirostatEta)
	given.Penalties.Repeat, given.Penalties.Presence, given.Penalties.Frequency = float32(l.repeat), float32(l.presence), float32(l.frequency)
	given.DRY.Multiplier, given.DRY.Base = float32(l.dryMultiplier), float32(l.dryBase)
	*s = given
	if l.samplers != "" {
		return llamaserver.Samplers(strings.Split(l.samplers, ";")).Choose(s)
	}
	return nil
}

// named replaces a template's name by its text.
func named(template string) (string, error) {
	if template == "" || strings.ContainsAny(template, "{\n ") { // a name has no blanks
		return template, nil
	}
	if source, ok := chat.Named(template); ok {
		return source, nil
	}
	return "", fmt.Errorf("serve: --chat-template is %q, which is no template and not the name of one: give one of %s, or a file with --chat-template-file",
		template, strings.Join(chat.Names(), ", "))
}

// front returns what the routes need.
func (l *llamaOptions) front() (front.LlamaServer, error) {
	variables, err := l.variables()
	if err != nil {
		return front.LlamaServer{}, err
	}
	format, err := l.format()
	return front.LlamaServer{
		Prefix: l.apiPrefix, Timings: true, Aliases: l.aliases, Tags: l.tags,
		Props: l.props, NoSlots: l.noSlots, SuffixFirst: l.suffixFirst,
		Stop: l.stops, IgnoreEOS: l.ignoreEOS, Format: format, TemplateArgs: variables, Now: time.Now, RawReasoning: l.reasoningFormat == "none",
		Thinking: ask.Thinking{Bounded: l.reasoningBudget >= 0, Tokens: max(l.reasoningBudget, 0), Message: l.budgetMessage},
	}, err
}
