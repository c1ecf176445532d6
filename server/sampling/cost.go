package sampling

// What the passes take for 1 000 logits, in nanoseconds, on one core of a server
// of 2024. They tell cheap rows from dear ones, no more.
const (
	costRead  = 50
	costHeap  = 100
	costWeigh = 500
	costReach = 2500
)

// CostNs estimates how long Next takes on a row of n logits.
func (s *Sampler) CostNs(n int) int {
	cost := costRead
	switch cuts := s.steps.TopK > 0 && s.steps.TopK < n; {
	case s.scale == 0:
	case cuts && s.steps.TopK <= heapKeys:
		cost += costHeap
	case cuts || s.nucleus():
		cost += costReach
	default:
		cost += costWeigh
	}
	return cost * n / 1000
}

// LogprobsCostNs estimates how long LogSum, and Top of so many keys, take on a
// row of n logits.
func LogprobsCostNs(top, n int) int {
	cost := costWeigh
	switch {
	case top > heapKeys:
		cost += costReach
	case top > 0:
		cost += costHeap
	}
	return cost * n / 1000
}
