package wire

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// checkJSONString compares with encoding/json/v2 and reads the string back.
func checkJSONString(t *testing.T, s string) {
	t.Helper()
	got := string(AppendJSONString(nil, s))
	want, err := json.Marshal(s, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%q: got %s, want %s", s, got, want)
	}
	if bytes := string(AppendJSONString([]byte("x"), []byte(s))); bytes != "x"+got {
		t.Errorf("%q: as bytes %s, as string %s", s, bytes, got)
	}
	var back string
	if err := json.Unmarshal([]byte(got), &back); err != nil {
		t.Errorf("%q: %v", s, err)
	} else if back != string([]rune(s)) {
		t.Errorf("%q: read back as %q", s, back)
	}
}

var jsonStrings = []string{
	"", "plain", `"quoted" \ back`, "line\nbreak\r\ttab\b\f", "\x00\x01\x1f\x7f", "é€😀", "\u2028\u2029", "<script>&",
	"\xff", "a\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\ufffd", "x\xc3", "\xc0\x80",
}

func TestAppendJSONString(t *testing.T) {
	for _, s := range jsonStrings {
		checkJSONString(t, s)
	}
	for c := range 256 {
		checkJSONString(t, "a"+string([]byte{byte(c)})+"z")
	}
}

func FuzzAppendJSONString(f *testing.F) {
	for _, s := range jsonStrings {
		f.Add(s)
	}
	f.Fuzz(checkJSONString)
}

func TestAppendFrame(t *testing.T) {
	if got := string(AppendFrame([]byte("a"), []byte(`{"x":1}`))); got != "adata: {\"x\":1}\n\n" {
		t.Errorf("got %q", got)
	}
}

func TestAppendAllocates(t *testing.T) {
	dst, data := make([]byte, 0, 1024), []byte("wörld\n\xff")
	long := strings.Repeat("longer than any buffer on the stack ", 8)
	if n := testing.AllocsPerRun(100, func() {
		dst = AppendJSONString(dst[:0], " hello \"w\"é")
		dst = AppendJSONString(dst, data)
		dst = AppendJSONString(dst, long)
		dst = AppendFrame(dst, data)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendJSONString(b *testing.B) {
	dst := make([]byte, 0, 256)
	for name, s := range map[string]string{"ascii": " hello", "latin": " grüßé", "emoji": " 😀😀"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendJSONString(dst[:0], s)
			}
		})
	}
}

// Tokens that were guessed are in the timings where there were any.
func TestTimingsOfDrafts(t *testing.T) {
	end := ask.End{PromptTokens: 3, CompletionTokens: 9}
	if got := string(AppendTimings(nil, &end)); strings.Contains(got, "draft") {
		t.Errorf("nothing was guessed: %s", got)
	}
	end.DraftTokens, end.AcceptedTokens = 7, 5
	if got := string(AppendTimings(nil, &end)); !strings.HasSuffix(got, `,"draft_n":7,"draft_n_accepted":5}`) {
		t.Errorf("%s", got)
	}
}
