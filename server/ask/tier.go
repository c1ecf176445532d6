package ask

import "context"

type tierKey struct{}

// WithTier returns a context of what is done for somebody of a tier, from the moment
// that it is known: the parsing and tokenising of a request's texts, before there is a
// Request, and where there is none.
func WithTier(ctx context.Context, t Tier) context.Context {
	if TierOf(ctx) == t {
		return ctx
	}
	return context.WithValue(ctx, tierKey{}, t)
}

// TierOf returns the tier of who something is done for: TierStandard if nobody has
// said.
func TierOf(ctx context.Context) Tier {
	t, _ := ctx.Value(tierKey{}).(Tier)
	return t
}
