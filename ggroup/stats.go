package ggroup

// Stats is a snapshot of a group. Its counters are read one after the other
// while the program runs.
type Stats struct {
	Name       string
	Class      Class
	Weight     int    // DefaultWeight if none was given
	Goroutines int    // goroutines in the group now
	Created    uint64 // goroutines created in the group

	// NotInEffect lists the options that were given and that this runtime
	// does not carry out.
	NotInEffect []NotInEffect
}

// NotInEffect names an option that was given but does nothing.
type NotInEffect struct {
	Option string // as called, WithClass(latency)
	Why    string // what is missing
}

// Stats returns the group's counters. Those of a closed group are 0.
func (g *Group) Stats() Stats {
	s := Stats{Name: g.name, Class: g.settings.class, Weight: g.settings.weight}
	if s.Weight == 0 {
		s.Weight = DefaultWeight
	}
	g.backend.stats(g, &s)
	return s
}
