package ask

// Tenant is on whose behalf a request is made. The zero value is who has no name:
// of the standard tier, and of weight 1.
type Tenant struct {
	// Name is the name of the client's key in the operator's file; never the key.
	Name string
	// Tier is what the request gets: the key's, or TierBackground where the client
	// wants no more. Who makes a Request sets nothing but that wish; who checks keys
	// sets the rest.
	Tier Tier
	// Weight is the key's share among those of its tier; 0 is 1.
	Weight int
	// Flow is which of the key's flows the request belongs to, as the client says;
	// "" is one, too. A key's share is divided among its flows, equally.
	Flow string
}

// Tier is how soon a request is served when there is more to do than can be done.
// A higher one goes first.
type Tier int8

const (
	TierBackground Tier = iota - 1
	TierStandard
	TierPriority
)

// Tiers is how many tiers there are.
const Tiers = int(TierPriority-TierBackground) + 1

// Index is the tier's place among all, from 0 for the lowest.
func (t Tier) Index() int { return int(t - TierBackground) }

// String returns the tier's name in files and metrics.
func (t Tier) String() string {
	return [...]string{"background", "standard", "priority"}[t.Index()]
}

// ParseTier is the tier of a name; ok is false of one that is none.
func ParseTier(name string) (t Tier, ok bool) {
	for t = TierBackground; t <= TierPriority; t++ {
		if t.String() == name {
			return t, true
		}
	}
	return TierStandard, false
}
