package front

import (
	"net/http"
	"strconv"

	"github.com/weirgo/weir/server/ask"
)

// tpotHeader is in which a client says how long the time between two tokens of its
// answer may be, in milliseconds, whatever its dialect. gRPC has it as metadata.
const tpotHeader = "X-Slo-Tpot-Ms"

// tpotNs reads a client's objective, 0 if it has none.
func tpotNs(header http.Header) (int64, error) {
	values := header[tpotHeader]
	if len(values) == 0 {
		return 0, nil
	}
	const most = ask.MaxTPOTNs / 1e6
	if ms, err := strconv.ParseFloat(values[0], 64); err == nil && len(values) == 1 && ms > 0 && ms <= most {
		return max(1, int64(ms*1e6)), nil
	}
	return 0, &ask.Fault{
		Kind: ask.InvalidValue, Param: "x-slo-tpot-ms",
		What:   "x-slo-tpot-ms: " + strconv.Quote(ask.Clip(values[0], ask.QuotedBytes)) + " is no time between two tokens",
		Remedy: "send one number of milliseconds above 0, up to " + strconv.Itoa(most) + ", or leave the header out",
	}
}
