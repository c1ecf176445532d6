package front

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/server/ask"
)

// wishes are what the header of a request says about how it is to be served, whatever
// its dialect; gRPC has them as metadata.
//
//	x-slo-tpot-ms                     ask.Request.TPOTNs
//	x-slo-ttft-ms                     ask.Request.TTFTNs
//	x-request-timeout-ms              the limit of the exchange, ask.Request.TimeoutNs
//	x-gateway-inference-fairness-id   ask.Tenant.Flow
//	x-gateway-inference-objective     a tier's name: no higher one than that
//	priority                          u=4 or 5: no higher tier than standard; 6 or 7:
//	                                  background (RFC 9218)
//
// A tier is lowered, and never raised: what a client may have is its key's.
type wishes struct {
	objectives
	timeout time.Duration // 0 for none
	flow    string
	below   int // how many tiers below the highest its own is, at least
}

const (
	timeoutHeader   = "X-Request-Timeout-Ms"
	fairnessHeader  = "X-Gateway-Inference-Fairness-Id"
	objectiveHeader = "X-Gateway-Inference-Objective"
	priorityHeader  = "Priority"

	// flowBytes bounds the name of a flow.
	flowBytes = 128
)

// wishesOf reads a header. Where a gateway's header means nothing here, it is left
// alone; what a client gives for this server alone is taken or refused.
func wishesOf(header http.Header) (w wishes, err error) {
	if w.objectives, err = objectivesOf(header); err != nil {
		return w, err
	}
	if w.timeout, err = timeoutOf(header); err != nil {
		return w, err
	}
	if w.flow, err = flowOf(header); err != nil {
		return w, err
	}
	if tier, ok := ask.ParseTier(header.Get(objectiveHeader)); ok {
		w.lower(tier)
	}
	switch u := urgency(header[priorityHeader]); {
	case u >= 6:
		w.lower(ask.TierBackground)
	case u >= 4:
		w.lower(ask.TierStandard)
	}
	return w, nil
}

// lower wants no higher tier than one.
func (w *wishes) lower(to ask.Tier) { w.below = max(w.below, int(ask.TierPriority-to)) }

// lowered is the tier of a client that may have one.
func (w *wishes) lowered(tier ask.Tier) ask.Tier {
	return min(tier, ask.TierPriority-ask.Tier(w.below))
}

// timeoutOf reads how long a client waits for its answer, 0 for as long as it takes.
func timeoutOf(header http.Header) (time.Duration, error) {
	values := header[timeoutHeader]
	if len(values) == 0 {
		return 0, nil
	}
	const most = ask.MaxTimeoutNs / 1e6
	if ms, err := strconv.ParseInt(values[0], 10, 64); err == nil && len(values) == 1 && ms > 0 && ms <= most {
		return time.Duration(ms) * time.Millisecond, nil
	}
	return 0, &ask.Fault{
		Kind: ask.InvalidValue, Param: "x-request-timeout-ms",
		What:   "x-request-timeout-ms: " + strconv.Quote(ask.Clip(values[0], ask.QuotedBytes)) + " is no time for an answer",
		Remedy: "send one whole number of milliseconds above 0, up to " + strconv.Itoa(most) + ", or leave the header out",
	}
}

// flowOf reads the name of a flow.
func flowOf(header http.Header) (string, error) {
	values := header[fairnessHeader]
	if len(values) == 0 {
		return "", nil
	}
	if len(values) == 1 && len(values[0]) <= flowBytes {
		return values[0], nil
	}
	return "", &ask.Fault{
		Kind: ask.InvalidValue, Param: "x-gateway-inference-fairness-id",
		What:   "x-gateway-inference-fairness-id: " + strconv.Quote(ask.Clip(values[0], ask.QuotedBytes)) + " is no name of a flow",
		Remedy: "send one of at most " + strconv.Itoa(flowBytes) + " bytes, or leave the header out",
	}
}

// defaultUrgency is that of who says none (RFC 9218, section 4.1).
const defaultUrgency = 3

// urgency reads u of a dictionary of structured fields, the last one that there is.
// What is no urgency is left alone, as the RFC wants.
func urgency(values []string) int {
	u := defaultUrgency
	for member := range strings.SplitSeq(strings.Join(values, ","), ",") {
		member, _, _ = strings.Cut(member, ";") // parameters, of which none is known
		value, ok := strings.CutPrefix(strings.Trim(member, " \t"), "u=")
		if ok && len(value) == 1 && value[0] >= '0' && value[0] <= '7' {
			u = int(value[0] - '0')
		}
	}
	return u
}
