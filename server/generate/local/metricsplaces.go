package local

import (
	"maps"

	"github.com/prometheus/client_golang/prometheus"
)

// placed is a figure that there is for several places of what is computed of prefixes.
type placed struct {
	figure
	place string // its label: live, ram or disk; "" for all
}

// placedFigures are of what is kept beside the KV cache, too.
var placedFigures = []placed{
	hits("live", func(s *Stats) float64 { return float64(s.LiveHits) }),
	hits("ram", func(s *Stats) float64 { return float64(s.RAMHits) }),
	hits("disk", func(s *Stats) float64 { return float64(s.DiskHits) }),
	states("bytes", "Held by states of prefixes beside the KV cache.", gauge, "ram", func(s *Stats) float64 { return float64(s.Stored.RAMBytes) }),
	states("bytes", "Held by states of prefixes beside the KV cache.", gauge, "disk", func(s *Stats) float64 { return float64(s.Stored.DiskBytes) }),
	states("entries", "Such states; one may be in both places.", gauge, "ram", func(s *Stats) float64 { return float64(s.Stored.RAMEntries) }),
	states("entries", "Such states; one may be in both places.", gauge, "disk", func(s *Stats) float64 { return float64(s.Stored.DiskEntries) }),
	states("saves_total", "States that were saved.", counter, "ram", func(s *Stats) float64 { return float64(s.Stored.Saves) }),
	states("saves_total", "States that were saved.", counter, "disk", func(s *Stats) float64 { return float64(s.Stored.Written) }),
	states("evictions_total", "States that had to go for others.", counter, "ram", func(s *Stats) float64 { return float64(s.Stored.EvictedRAM) }),
	states("evictions_total", "States that had to go for others.", counter, "disk", func(s *Stats) float64 { return float64(s.Stored.EvictedDisk) }),
	states("refused_total", "States that were not saved: there was no room, or it would have held up who runs.", counter, "", func(s *Stats) float64 { return float64(s.Stored.Refused) }),
	states("write_errors_total", "States that could not be written to disk.", counter, "", func(s *Stats) float64 { return float64(s.Stored.Failed) }),
	states("damaged_total", "Files of states that were removed: damaged, or of another model or engine.", counter, "", func(s *Stats) float64 { return float64(s.Stored.Damaged) }),
}

func hits(place string, value func(*Stats) float64) placed {
	return placed{figure{"prefix_hits_total", "Requests that began with what was there: live in the KV cache, or a state in memory or on disk.", counter, value}, place}
}

func states(name, help string, kind prometheus.ValueType, place string, value func(*Stats) float64) placed {
	return placed{figure{"prefix_store_" + name, help, kind, value}, place}
}

// describe makes the description of a figure, with its place.
func (p *placed) describe(labels prometheus.Labels) *prometheus.Desc {
	if p.place != "" {
		labels = maps.Clone(labels)
		labels["place"] = p.place
	}
	return prometheus.NewDesc("weir_"+p.name, p.help, nil, labels)
}
