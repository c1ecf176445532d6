package sampling

// What the passes take for 1 000 logits, in nanoseconds, on one core of a server
// of 2024. They tell cheap rows from dear ones, no more.
const (
	costRead  = 50
	costHeap  = 100
	costWeigh = 500
	costReach = 2500
	costEdit  = 150
	costSigma = 1000
	costWide  = 12000 // several passes, one of them over the values one by one
	costPast  = 15    // for each of what was there before
)

// CostNs estimates how long Next takes on the next row, of n logits.
func (s *Sampler) CostNs(n int) int {
	cost, past := costRead, 0
	if e := s.edits; e != nil {
		cost += costEdit
		if e.penalties != nil {
			past += len(e.penalties.seen)
		}
		if e.dry != nil {
			past += 2 * e.dry.visited
		}
	}
	if s.steps.TopNSigma > 0 {
		cost += costSigma
	}
	switch cuts := s.steps.TopK > 0 && s.steps.TopK < n; {
	case s.greedy():
	case s.mirostat():
		cost += costReach
	case (s.typical() || s.excludes() || s.dynamic()) && !(cuts && s.steps.TopK <= heapKeys):
		cost += costWide
	case cuts && s.steps.TopK <= heapKeys:
		cost += costHeap
	case cuts || s.nucleus():
		cost += costReach
	default:
		cost += costWeigh
	}
	return cost*n/1000 + costPast*past
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
