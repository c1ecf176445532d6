package chat

// Limits bound what a template may be and do.
type Limits struct {
	SourceBytes int // of the template
	Nesting     int // brackets, and blocks, within each other
	Steps       int // loop iterations and macro calls of one Render
	MacroDepth  int // macro calls within each other
	RangeItems  int // of one range()
	JSONDepth   int // of tools and tool calls
	OutputBytes int // of the rendered text
}

// DefaultLimits are far above what published templates need (60 kB, ten
// levels) and what a context of a million tokens holds.
func DefaultLimits() Limits {
	return Limits{
		SourceBytes: 1 << 20,
		Nesting:     100,
		Steps:       1 << 20,
		MacroDepth:  100,
		RangeItems:  1 << 16,
		JSONDepth:   64,
		OutputBytes: 16 << 20,
	}
}
