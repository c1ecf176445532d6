package local

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
)

// Texts of the background tier are tokenised in the background, and nobody else's; nor
// what others may wait for.
func TestBackgroundTier(t *testing.T) {
	group, err := ggroup.Open("background")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := group.Close(); err != nil {
			t.Error(err)
		}
	})
	var mu sync.Mutex
	var names []string
	fake := saying("x")
	fake.Tokenizing = func(context.Context) {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, ggroup.Current().Name())
	}
	g := open(t, fake)
	g.background = group
	last := func() []string {
		mu.Lock()
		defer mu.Unlock()
		all := names
		names = nil
		return all
	}
	for tier := ask.TierBackground; tier <= ask.TierPriority; tier++ {
		want := ""
		if tier == ask.TierBackground {
			want = "background"
		}
		ctx := ask.WithTier(t.Context(), tier)
		for name, do := range map[string]func() error{
			"chat": func() error {
				answer(t, g, hello(func(r *ask.Request) { r.Tenant.Tier = tier }))
				return nil
			},
			"embed": func() error {
				_, _, err := g.Embed(ctx, []ask.Prompt{{Text: "a"}, {Text: "b"}}, generate.EmbedOptions{})
				return err
			},
			"tokenize": func() error { _, err := g.Tokenize(ctx, "a", true, true); return err },
			"count":    func() error { _, err := g.Count(ctx, hello(nil)); return err },
		} {
			last()
			if err := do(); err != nil {
				t.Fatalf("%v %s: %v", tier, name, err)
			}
			if got := last(); len(got) == 0 || slices.ContainsFunc(got, func(name string) bool { return name != want }) {
				t.Errorf("%v %s: tokenised in %q, want %q", tier, name, got, want)
			}
		}
		last()
		// A list of breakers is made once for all.
		if _, err := g.breakers.of(ctx, g, []string{"ab" + tier.String()}); err != nil {
			t.Fatal(err)
		}
		if got := last(); slices.Contains(got, "background") {
			t.Errorf("%v: breakers are made in %q", tier, got)
		}
	}
	if ggroup.Current() != nil {
		t.Errorf("left in %v", ggroup.Current())
	}
}
