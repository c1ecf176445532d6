package front

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/tenants"
)

// enter admits a request with a body within the bounds of its key, if that has
// some. account and leave end the visit, whichever comes first.
func (x *exchange) enter() (err error) {
	if x.tenant != nil {
		x.visit, err = x.tenant.Enter()
	}
	return err
}

// refused counts what the server refuses a key that is within its bounds.
func (x *exchange) refused(f *ask.Fault) {
	if x.tenant != nil && f.Kind == ask.QueueFull {
		x.tenant.Refused(tenants.CauseQueue)
	}
}

// tier is the one that a request gets: its key's, or a lower one if it or its header
// wants no more.
func (x *exchange) tier(r *ask.Request) ask.Tier {
	if r.Tenant.Tier == ask.TierBackground {
		return ask.TierBackground
	}
	return x.mostTier()
}

// mostTier is the highest tier that a request may get, whatever its body says: its
// key's, or a lower one if its header wants no more.
func (x *exchange) mostTier() ask.Tier {
	if x.tenant == nil {
		return x.wishes.lowered(ask.TierStandard)
	}
	return x.wishes.lowered(x.tenant.Tier)
}

// sign says on whose behalf requests are made, and what their header wants.
func (x *exchange) sign(requests ...*ask.Request) {
	for _, r := range requests {
		r.TPOTNs, r.TTFTNs, r.TimeoutNs = x.wishes.tpotNs, x.wishes.ttftNs, x.limit.leftNs()
		r.Tenant.Tier, r.Tenant.Flow = x.tier(r), x.wishes.flow
		x.granted = r.Tenant.Tier
		if x.tenant != nil {
			r.Tenant.Name, r.Tenant.Weight = x.tenant.Name, x.tenant.Weight
		}
	}
}
