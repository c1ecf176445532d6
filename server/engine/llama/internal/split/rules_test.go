package split

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBreaks(t *testing.T) {
	pieces := slices.Values([]string{"the", " the", "a b", "\n\n", "中国"})
	for _, test := range []struct {
		rules      *Rules
		text, want string // with "|" where it breaks
	}{
		{WordRules("llama-bpe"), "Hello, world! A\nB", "Hello|, world|! A\n|B"},
		{WordRules("llama-bpe"), "a  b\n\nc \nd\r\ne\n f", "a|  b\n\nc| \nd\r\ne\n f"},
		{WordRules("llama-bpe"), "ab12cd!3é4", "ab|12cd|!3é4"},
		{WordRules("llama-bpe"), "it's a:b;c_\"d\"|", "it's| a:b|;c|_\"d|\"|"},
		{WordRules("llama-bpe"), "а б안 x न e\n1\n.\n-\n中\n！", "а| б안| x| न| e\n|1\n.\n|-\n|中\n！"},
		{WordRules("deepseek-llm"), "а б x 1 y", "а б x| 1| y"},
		{WordRules("viking"), "a,b1\"", "a,b|1\""},
		{WordRules("llama-bpe"), "中文。か、x。。，", "中文|。か|、x。。，"},
		{WordRules("llama-bpe"), "a\u00a0b\u3000\nc", "a\u00a0b\u3000\nc"},
		{WordRules("exaone-moe"), "a b1\nc", "a b|1\n|c"},
		{WordRules("bloom"), "a b1\nc", "a| b1\n|c"},
		{WordRules("whitespace"), "a b1\nc中。", "a| b1\n|c中。"},
		{WordRules("gemma4"), "a b1\nc中。", "a b1\n|c中。"},
		{WordRules("superbpe"), "a b1\nc中。", "a b|1\nc中。"},
		{PieceRules(pieces, 0), "the a b\n\nx▁the", "the| |a b|\n\n|x|▁the"},
		{PieceRules(pieces, '\n'), "the a b\n\nx▁the", "the| |a b\n\n|x|▁the"},
		{PieceRules(pieces, 0), "中国国", "中国|国"},
		{WholeRules(), "a b\nc", "a b\nc"},
		{UncutRules(), "a b\nc", "a b\nc"},
	} {
		got := test.text[:1]
		for at := 1; at < len(test.text); at++ {
			if test.rules.Breaks(test.text, at) {
				got += "|"
			}
			got += test.text[at : at+1]
		}
		if got != test.want {
			t.Errorf("%q breaks as %q, want %q", test.text, got, test.want)
		}
	}
}

func TestNext(t *testing.T) {
	words := WordRules("llama-bpe")
	for _, test := range []struct {
		name  string
		rules *Rules
		text  string
		want  int // -1: refused
	}{
		{"short", words, "a b", 3},
		{"short run", words, strings.Repeat("a", PieceBytes), PieceBytes},
		{"words", words, strings.Repeat("abcd ", PieceBytes), (PieceBytes+1)/5*5 - 1},
		{"a break at the end", words, strings.Repeat("a", PieceBytes) + " a", PieceBytes},
		{"a break after it", words, strings.Repeat("a", PieceBytes+7) + " a", PieceBytes + 7},
		{"the longest run", words, strings.Repeat("中", runLimit), 3 * runLimit},
		{"a break at the limit", words, strings.Repeat("中", runLimit) + " a", 3 * runLimit},
		{"too long", words, strings.Repeat("中", runLimit+1) + " a", -1},
		{"whole", WholeRules(), strings.Repeat("a ", runLimit), 2 * runLimit},
		{"too long a whole", WholeRules(), strings.Repeat("a", wholeLimit+1), -1},
		{"digits", words, strings.Repeat("1", 3*digitLimit), 3 * digitLimit},
		{"many digits", WordRules("superbpe"), strings.Repeat("1", digitLimit), digitLimit},
		{"too many digits", WordRules("superbpe"), strings.Repeat("1", digitLimit+1), -1},
		{"too many digits", WordRules("tiny_aya"), "a" + strings.Repeat("٣", digitLimit+1), -1},
	} {
		end, err := test.rules.Next(test.text)
		if err != nil {
			end = -1
		}
		if end != test.want {
			t.Errorf("%s: %d, %v; want %d", test.name, end, err, test.want)
		}
	}
}

// Pieces are a text in order, whole characters, and no longer than they may be.
func FuzzPieces(f *testing.F) {
	f.Add("the quick brown fox\n", 1000)
	f.Add("中文。", 9000)
	f.Add("a", 40_000)
	f.Fuzz(func(t *testing.T, unit string, n int) {
		if n < 0 || len(unit) > 100 || n*len(unit) > 1<<20 || !utf8.ValidString(unit) {
			return
		}
		text := strings.Repeat(unit, n)
		for _, r := range []*Rules{WordRules("gpt-4o"), PieceRules(slices.Values([]string{unit}), '\n'), WholeRules()} {
			for rest := text; rest != ""; {
				end, err := r.Next(rest)
				if err != nil {
					break
				}
				piece := rest[:end]
				if piece == "" || !utf8.ValidString(piece) || utf8.RuneCountInString(piece) > r.limit {
					t.Fatalf("%q × %d: a piece of %d bytes of %d", unit, n, end, len(rest))
				}
				rest = rest[end:]
			}
		}
	})
}
