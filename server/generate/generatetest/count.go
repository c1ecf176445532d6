package generatetest

import (
	"context"

	"github.com/weirgo/weir/server/ask"
)

// Count implements generate.Counter, for prompts that fit the context.
func (g *Generator) Count(ctx context.Context, r *ask.Request) (int, error) {
	events, err := g.Submit(ctx, r)
	if err != nil {
		return 0, err
	}
	events.Cancel()
	return events.(*stream).end.PromptTokens, nil
}
