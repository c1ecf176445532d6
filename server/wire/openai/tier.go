package openai

import "github.com/weirgo/weir/server/ask"

// ServiceTier is what a request says of how soon it is to be served. "flex", and
// "background", want to be served after others; "auto", "default", "priority" and
// whatever else there is leave it to the client's key, which nobody can raise.
type ServiceTier string

// ask sets the wish.
func (s ServiceTier) ask(a *ask.Request) {
	if s == "flex" || s == "background" {
		a.Tenant.Tier = ask.TierBackground
	}
}

// Shown is what an answer of a chat says of the tier that it was given, "" where the
// request said nothing of it.
func (s ServiceTier) Shown(t ask.Tier) string {
	if s == "" {
		return ""
	}
	return ServiceTierOf(t)
}

// ServiceTierOf is OpenAI's word for a tier that was given.
func ServiceTierOf(t ask.Tier) string {
	switch t {
	case ask.TierBackground:
		return "flex"
	case ask.TierPriority:
		return "priority"
	}
	return "default"
}
