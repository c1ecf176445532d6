package wire_test

import (
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

func TestAppendExplained(t *testing.T) {
	full := ask.End{QueueNs: 1e6, PrefillNs: 5e6, DecodeNs: 12e6, Spent: &ask.Spent{
		First: ask.Parts{Wait: 1e6, Decode: 4e6},
		After: ask.Parts{Reader: 3e6, Prompts: 2e6, Decode: 4e6, Sampling: 1e6, Engine: 2e6},
		Worst: ask.Gap{Token: 7, Parts: ask.Parts{Reader: 3e6, Decode: 5e5}},
	}}
	const none = `"wait_ms":0,"reader_ms":0,"prompts_ms":0,"decode_ms":0,"sampling_ms":0,"engine_ms":0,"delayed_ms":0`
	for _, c := range []struct {
		name, want string
		end        ask.End
	}{
		{"all", `,"weir":{"queue":{"ms":1},` +
			`"first_token":{"ms":5,"wait_ms":1,"reader_ms":0,"prompts_ms":0,"decode_ms":4,"sampling_ms":0,"engine_ms":0,"delayed_ms":0},` +
			`"decode":{"ms":12,"wait_ms":0,"reader_ms":3,"prompts_ms":2,"decode_ms":4,"sampling_ms":1,"engine_ms":2,"delayed_ms":0},` +
			`"longest_gap":{"token":7,"ms":3.5,"wait_ms":0,"reader_ms":3,"prompts_ms":0,"decode_ms":0.5,"sampling_ms":0,"engine_ms":0,"delayed_ms":0}}`, full},
		{"no gap", `,"weir":{"queue":{"ms":0},"first_token":{"ms":0,` + none + `},"decode":{"ms":0,` + none + `}}`, ask.End{Spent: new(ask.Spent)}},
		{"unknown", `,"weir":{"queue":{"ms":1.5},"first_token":{"ms":2},"decode":{"ms":3}}`, ask.End{QueueNs: 15e5, PrefillNs: 2e6, DecodeNs: 3e6}},
	} {
		got := string(wire.AppendExplained(nil, &c.end, nil))
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(`{"a":0`+got+`}`), &v); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestAppendScheduler: what is told of the longest gap is beside it, and of no other.
func TestAppendScheduler(t *testing.T) {
	scheduler := func(dst []byte, gap *ask.Gap) []byte { return fmt.Appendf(dst, `"token":%d`, gap.Token) }
	end := ask.End{Spent: &ask.Spent{Worst: ask.Gap{Token: 7}}}
	var v struct {
		Weir struct {
			Scheduler *struct {
				Token int `json:"token"`
			} `json:"scheduler"`
			Gap *struct{} `json:"longest_gap"`
		} `json:"weir"`
	}
	got := string(wire.AppendExplained(nil, &end, scheduler))
	if err := json.Unmarshal([]byte(`{"a":0`+got+`}`), &v); err != nil || v.Weir.Gap == nil || v.Weir.Scheduler == nil || v.Weir.Scheduler.Token != 7 {
		t.Errorf("%v: %s", err, got)
	}
	if got := string(wire.AppendExplained(nil, &ask.End{Spent: new(ask.Spent)}, scheduler)); strings.Contains(got, "scheduler") {
		t.Errorf("without a gap: %s", got)
	}
}
