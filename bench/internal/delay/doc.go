// Package delay sums up how long things waited.
//
//	var d delay.Set
//	d.Add(now.Sub(due))
//	d.Record(r, "echo16/roundtrip", delay.Microseconds)
//
// A [Set] keeps every value, so its quantiles are exact; it is meant for
// samples of up to some millions.
package delay
