package openai

import (
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// A request may want less than its key has, and nothing else that it says counts.
func TestServiceTiers(t *testing.T) {
	for sent, tier := range map[string]ask.Tier{
		`"flex"`: ask.TierBackground, `"background"`: ask.TierBackground,
		`"auto"`: ask.TierStandard, `"default"`: ask.TierStandard, `"priority"`: ask.TierStandard, `"scale"`: ask.TierStandard, `null`: ask.TierStandard, `""`: ask.TierStandard,
	} {
		field := `,"service_tier":` + sent
		chat, body, err := decodeChat(`{` + hello + field + `}`)
		if err != nil || chat.Tenant != (ask.Tenant{Tier: tier}) {
			t.Errorf("chat, %s: %v, %v", sent, chat, err)
		}
		if shown := body.ServiceTier.Shown(ask.TierPriority); (shown == "priority") != (len(sent) > 2 && sent != "null") {
			t.Errorf("%s shows %q", sent, shown)
		}
		if text, err := decodeCompletion(`{"prompt":"x"` + field + `}`); err != nil || text.Tenant.Tier != tier {
			t.Errorf("completion, %s: %v, %v", sent, text, err)
		}
		var r ResponseRequest
		err = wire.Decode([]byte(`{"input":"x"`+field+`}`), &r)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := r.Ask(testDefaults); err != nil || response.Tenant.Tier != tier {
			t.Errorf("response, %s: %v, %v", sent, response, err)
		}
		for range r.Ignored() {
			t.Errorf("%s is counted as ignored", sent)
		}
	}
	if _, _, err := decodeChat(`{` + hello + `,"service_tier":1}`); err == nil || !strings.Contains(err.Error(), "service_tier") {
		t.Error(err)
	}
}
