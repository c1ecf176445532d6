package gctune

// Article is the policy of the article that this project measures itself against
// (claim C11), as it is written:
//
//   - GOGC is 200 while HeapAlloc/HeapInuse is above 0.9 and the KV cache's hit rate
//     above 85 %, and what it was before otherwise. When it goes up, a collection is
//     run, "to avoid a sudden rise".
//   - The memory limit is 1.2 times the highest resident memory seen, and 1.05 times
//     where the KV cache is 60 % of it or more.
//
// Its program sets the environment variable GOGC, which a running program does not
// read. Its limit compares unlike things: resident memory holds C's, the runtime's
// limit counts Go's alone. And as the peak includes what the limit let grow, the
// limit follows the heap up and never says no. The tuner keeps it within the room.
type Article struct {
	before    Settings
	peakBytes int64
	raised    bool
}

const (
	articlePercent     = 200
	articleFill        = 0.9
	articleHitRate     = 0.85
	articleCacheShare  = 0.6
	articleLooseFactor = 1.2
	articleTightFactor = 1.05
)

// Start implements Policy.
func (a *Article) Start(o Observation) { *a = Article{before: o.InForce} }

// Decide implements Policy.
func (a *Article) Decide(o Observation) (wish Settings, collect bool) {
	wish = a.before
	full := o.InUseBytes > 0 && float64(o.ObjectBytes) > articleFill*float64(o.InUseBytes)
	raise := full && o.Cache.HitRate > articleHitRate
	if raise {
		wish.GCPercent = articlePercent
	}
	collect = raise && !a.raised
	a.raised = raise

	a.peakBytes = max(a.peakBytes, o.ResidentBytes)
	if a.peakBytes > 0 {
		factor := articleLooseFactor
		if float64(o.Cache.UsedBytes) >= articleCacheShare*float64(o.ResidentBytes) {
			factor = articleTightFactor
		}
		wish.MemoryLimitBytes = int64(factor * float64(a.peakBytes))
	}
	return wish, collect
}
