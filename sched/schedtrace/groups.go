package schedtrace

// maxGroups bounds the groups that are told apart; what comes later counts as others.
const maxGroups = 512

// A groupKey names a group of goroutines.
type groupKey struct {
	name    string
	logged  bool // by package ggroup; else it is the function that they started in
	runtime bool // the runtime's own
}

// Names of groups that are not functions.
const (
	unknownName = "(unknown)"
	othersName  = "(others)"
)

type group struct {
	key     groupKey
	tallies [kinds]tally
}

// A groupTable has what is kept of each group, and of all but the runtime's own.
type groupTable struct {
	thresholds [kinds]int64
	all        [kinds]tally
	byKey      map[groupKey]*group
}

func newGroupTable(c Config) *groupTable {
	t := &groupTable{byKey: map[groupKey]*group{}, thresholds: [kinds]int64{int64(c.Park), int64(c.Run)}}
	t.setThresholds(&t.all)
	return t
}

func (t *groupTable) setThresholds(tallies *[kinds]tally) {
	for kind := range tallies {
		tallies[kind].thresholdNs = t.thresholds[kind]
	}
}

// keyOf is the group that a goroutine is in.
func keyOf(g *goroutine) groupKey {
	switch {
	case g.group != "":
		return groupKey{name: g.group, logged: true}
	case g.name == "":
		return groupKey{name: unknownName}
	}
	return groupKey{name: g.name, runtime: isRuntime(g.name)}
}

func (t *groupTable) of(g *goroutine) *group {
	key := keyOf(g)
	one := t.byKey[key]
	if one == nil && len(t.byKey) >= maxGroups {
		key = groupKey{name: othersName, runtime: key.runtime}
		one = t.byKey[key]
	}
	if one == nil {
		one = &group{key: key}
		t.setThresholds(&one.tallies)
		t.byKey[key] = one
	}
	return one
}
