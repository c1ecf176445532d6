// Package paired compares things that take turns in short slices of time.
//
//	load := paired.Load{Workers: 4, Step: func(int) error { runtime.Gosched(); return nil }}
//	plain := paired.Side{Name: "plain", Measure: func() (paired.Slice, error) { return load.Run(warm, slice) }}
//	grouped := paired.Side{Name: "grouped", Measure: inGroup}
//	outcomes, err := paired.Compare(plain, []paired.Side{grouped}, 10)
//	fmt.Println(outcomes["grouped"].Rate) // of the plain side's rate
//
// # Model
//
// A machine that others use changes its pace from one second to the next, by
// more than what is to be seen. So the base runs before and after each other
// side, for some ten milliseconds each, and a side's rate is divided by the mean
// of these two. What is reported is the median of many such ratios: of
// operations a second, and of CPU time an operation, which says what something
// costs also where a processor was idle.
//
// # Limits
//
// What a side leaves behind in the process is in the base's next slice too, and
// so is not seen.
package paired
