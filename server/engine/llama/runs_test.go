package llama_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
)

// A run of one character has its tokens or is refused, and the process lives,
// however small the stack that it was given.
func TestRunsOfOneCharacter(t *testing.T) {
	const child = "WEIR_TEST_SMALL_STACK"
	if os.Getenv(child) == "" {
		// The limit is the default size of threads from the program's start on.
		command := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -s 512 && exec "$0" -test.run='^TestRunsOfOneCharacter$' -test.short="$1"`,
			os.Args[0], map[bool]string{true: "true", false: "false"}[testing.Short()])
		command.Env = append(os.Environ(), child+"=1")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	pres := strings.Fields(`default llama-bpe deepseek-llm deepseek-coder deepseek-v3 youtu falcon gpt-2 qwen2 gpt-4o llama4 tekken jais-2
		chameleon superbpe tiny_aya bloom viking exaone-moe afmoe minicpm5 bailingmoe seed-coder kimi-k2 laguna gemma4 spark2_5`)
	if testing.Short() {
		pres = []string{"gpt-4o", "deepseek-v3", "superbpe", "qwen2"}
	}
	for _, pre := range pres {
		m := bytePair(pre, "aaaaaaaa!!!!!!!!11111111 中中中中\n\n\n\n        the word").load(t, engine.ModelConfig{})
		for _, unit := range []string{"a", "A", " ", "!", "\n", "中", "1", "\t", "\u0301", "🦊"} {
			tokenizeRun(t, m, pre, unit, 24_000)
			tokenizeRun(t, m, pre, unit, 8<<20/len(unit))
		}
	}
}

func tokenizeRun(t *testing.T, m engine.Model, pre, unit string, n int) {
	t.Helper()
	text := strings.Repeat(unit, n)
	got, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: text})
	if _, refused := errors.AsType[*engine.TextError](err); refused {
		if n == 24_000 && unit != "1" {
			t.Errorf("%s: %d of %q: %v", pre, n, unit, err)
		}
		return
	}
	if err != nil || n == 24_000 && !slices.Equal(got, llama.TokenizeDeep(m, text)) {
		t.Errorf("%s: %d of %q: %d tokens, %v", pre, n, unit, len(got), err)
	}
}
