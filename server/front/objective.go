package front

import (
	"net/http"
	"strconv"

	"github.com/weirgo/weir/server/ask"
)

// The headers in which a client says what it wants of its answer, whatever its dialect,
// in milliseconds. gRPC has them as metadata.
const (
	tpotHeader = "X-Slo-Tpot-Ms" // the time between two tokens
	ttftHeader = "X-Slo-Ttft-Ms" // the time to the first one
)

// objectives are those of a client, in ns; 0 is none.
type objectives struct{ tpotNs, ttftNs int64 }

// objectivesOf reads them.
func objectivesOf(header http.Header) (o objectives, err error) {
	if o.tpotNs, err = objective(header[tpotHeader], "x-slo-tpot-ms", "no time between two tokens"); err != nil {
		return o, err
	}
	o.ttftNs, err = objective(header[ttftHeader], "x-slo-ttft-ms", "no time to a first token")
	return o, err
}

// objective reads one.
func objective(values []string, name, otherwise string) (int64, error) {
	if len(values) == 0 {
		return 0, nil
	}
	const most = ask.MaxTPOTNs / 1e6
	if ms, err := strconv.ParseFloat(values[0], 64); err == nil && len(values) == 1 && ms > 0 && ms <= most {
		return max(1, int64(ms*1e6)), nil
	}
	return 0, &ask.Fault{
		Kind: ask.InvalidValue, Param: name,
		What:   name + ": " + strconv.Quote(ask.Clip(values[0], ask.QuotedBytes)) + " is " + otherwise,
		Remedy: "send one number of milliseconds above 0, up to " + strconv.Itoa(most) + ", or leave the header out",
	}
}
