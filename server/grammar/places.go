package grammar

// places is a set of at most statePlaces places. Clearing it is cheap.
type places struct {
	slots   []slot
	round   uint32 // slots of other rounds are free
	members int
}

type slot struct {
	place
	round uint32
}

// firstSlots is how many slots a set begins with: most states are small.
const firstSlots = 64

func (s *places) clear() {
	s.members = 0
	if s.round++; s.round == 0 || s.slots == nil {
		s.slots, s.round = make([]slot, max(firstSlots, len(s.slots))), 1
	}
}

// add reports whether p is new, and taken in: a full set takes none.
func (s *places) add(p place) bool {
	if s.members >= statePlaces {
		return false
	}
	if 2*s.members >= len(s.slots) {
		s.grow()
	}
	return s.put(p)
}

func (s *places) put(p place) bool {
	last := uint64(len(s.slots) - 1)
	hash := (uint64(p.at)<<32 | uint64(uint32(p.stack))) ^ uint64(p.count)<<16
	hash *= 0x9e3779b97f4a7c15
	for i := hash >> 32 & last; ; i = (i + 1) & last {
		at := &s.slots[i]
		if at.round != s.round {
			*at = slot{p, s.round}
			s.members++
			return true
		}
		if at.place == p {
			return false
		}
	}
}

func (s *places) grow() {
	old := s.slots
	s.slots, s.members = make([]slot, 2*len(old)), 0
	for _, at := range old {
		if at.round == s.round {
			s.put(at.place)
		}
	}
}
