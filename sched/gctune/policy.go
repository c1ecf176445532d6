package gctune

// A Policy decides the settings. It has no clock and reads nothing: what it decides
// follows from what it has been shown. It belongs to one tuner, whose goroutine
// calls it.
//
// What it returns is a wish: a tuner never sets what leads beyond the room there
// is, whatever its policy says.
type Policy interface {
	// Start shows it the process as it is before anything is set.
	Start(Observation)
	// Decide is asked about once a second. Settings as they are in force change
	// nothing. With collect, a collection is run once they are set.
	Decide(Observation) (wish Settings, collect bool)
}
