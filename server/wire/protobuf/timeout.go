package protobuf

import (
	"strconv"
	"time"

	"github.com/weirgo/weir/server/ask"
)

// maxTimeoutDigits is gRPC's.
const maxTimeoutDigits = 8

var timeoutUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// Timeout reads the header grpc-timeout: digits and a unit. The error is an
// *ask.Fault.
func Timeout(header string) (time.Duration, error) {
	if n := len(header) - 1; n > 0 && n <= maxTimeoutDigits {
		unit, known := timeoutUnits[header[n]]
		if v, err := strconv.ParseUint(header[:n], 10, 32); err == nil && known {
			return min(time.Duration(v), maxTimeout/unit) * unit, nil
		}
	}
	return 0, &ask.Fault{
		Kind: ask.InvalidValue, Param: "grpc-timeout", What: "grpc-timeout: " + strconv.Quote(ask.Clip(header, ask.QuotedBytes)) + " is no timeout",
		Remedy: "send at most 8 digits and one of H, M, S, m, u and n",
	}
}

// maxTimeout is what a longer one is taken for.
const maxTimeout = 10_000 * time.Hour
