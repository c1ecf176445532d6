package wire

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
)

// Own is our own part of a request, in every dialect that is JSON.
type Own struct {
	Weir struct {
		// Explain asks for a member of the same name with where the time went.
		Explain bool `json:"explain"`
	} `json:"weir"`
}

// AppendExplained appends a member that says where the time of a generation went, in
// milliseconds:
//
//	"weir":{"queue":{"ms":0.1},
//	  "first_token":{"ms":12,"wait_ms":..,"reader_ms":..,"prompts_ms":..,"decode_ms":..,"sampling_ms":..,"engine_ms":..,"delayed_ms":..},
//	  "decode":{the same from the first token to the end},
//	  "longest_gap":{"token":17, the same between two tokens, the later of which this is, from 0}}
//
// The parts of each sum to its "ms"; see [ask.Parts]. They are left out where they are
// not known, and the gap where there were no two tokens. scheduler, if not nil, appends
// the members of another object of that name, about the gap.
func AppendExplained(dst []byte, end *ask.End, scheduler func(dst []byte, gap *ask.Gap) []byte) []byte {
	dst = appendMs(append(dst, `,"weir":{"queue":{"ms":`...), end.QueueNs)
	dst = appendMs(append(dst, `},"first_token":{"ms":`...), end.PrefillNs)
	spent := end.Spent
	if spent != nil {
		dst = appendParts(dst, &spent.First)
	}
	dst = appendMs(append(dst, `},"decode":{"ms":`...), end.DecodeNs)
	if spent != nil {
		dst = appendParts(dst, &spent.After)
		if gap := &spent.Worst; gap.Token > 0 {
			dst = strconv.AppendInt(append(dst, `},"longest_gap":{"token":`...), int64(gap.Token), 10)
			dst = appendMs(append(dst, `,"ms":`...), gap.Sum())
			dst = appendParts(dst, &gap.Parts)
			if scheduler != nil {
				dst = scheduler(append(dst, `},"scheduler":{`...), gap)
			}
		}
	}
	return append(dst, "}}"...)
}

func appendParts(dst []byte, p *ask.Parts) []byte {
	p.Named(func(name string, ns int64) {
		dst = appendMs(append(append(append(dst, `,"`...), name...), `_ms":`...), ns)
	})
	return dst
}

func appendMs(dst []byte, ns int64) []byte {
	return strconv.AppendFloat(dst, float64(ns)/1e6, 'f', -1, 64)
}
