package record

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

var rewrite = flag.Bool("rewrite", false, "write what the tests read in testdata")

// A parsed trace is what Perfetto would read.
type parsed struct {
	order  []uint64 // of the tracks
	tracks map[uint64]*parsedTrack
	events []parsedEvent
}

type parsedTrack struct {
	name   string
	parent uint64
	rank   uint64
}

type parsedEvent struct {
	at        int64
	kind      uint64
	track     uint64
	name      string
	flow, end uint64 // that begins here, or ends
}

// fields hands the fields of a message to its readers.
func fields(t *testing.T, message []byte, uints func(protowire.Number, uint64), texts func(protowire.Number, []byte)) {
	t.Helper()
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			t.Fatalf("a tag: %v", protowire.ParseError(n))
		}
		message = message[n:]
		switch kind {
		case protowire.VarintType:
			v, size := protowire.ConsumeVarint(message)
			n = size
			uints(number, v)
		case protowire.Fixed64Type:
			v, size := protowire.ConsumeFixed64(message)
			n = size
			uints(number, v)
		case protowire.BytesType:
			v, size := protowire.ConsumeBytes(message)
			n = size
			if texts == nil {
				t.Fatalf("field %d is bytes", number)
			}
			texts(number, v)
		default:
			t.Fatalf("field %d is of wire type %d", number, kind)
		}
		if n < 0 {
			t.Fatalf("field %d: %v", number, protowire.ParseError(n))
		}
		message = message[n:]
	}
}

// parse reads a trace, by the numbers in Perfetto's protocol files and not by ours.
func parse(t *testing.T, data []byte) *parsed {
	t.Helper()
	p := &parsed{tracks: map[uint64]*parsedTrack{}}
	packets := 0
	fields(t, data, nil, func(number protowire.Number, packet []byte) {
		if number != 1 { // Trace.packet
			t.Fatalf("field %d in Trace", number)
		}
		e, isEvent := parsedEvent{}, false
		fields(t, packet, func(number protowire.Number, v uint64) {
			switch {
			case number == 8: // TracePacket.timestamp
				e.at = int64(v)
			case number == 10 && v == 1: // .. trusted_packet_sequence_id
			case number == 13 && v == 1 && packets == 0: // .. sequence_flags, SEQ_INCREMENTAL_STATE_CLEARED
			default:
				t.Fatalf("field %d in packet %d is %d", number, packets, v)
			}
		}, func(number protowire.Number, message []byte) {
			switch number {
			case 60: // .. track_descriptor
				p.parseTrack(t, message)
			case 11: // .. track_event
				isEvent = true
				e.parse(t, message)
			default:
				t.Fatalf("field %d in packet %d", number, packets)
			}
		})
		if packets++; isEvent {
			p.events = append(p.events, e)
		}
	})
	return p
}

func (p *parsed) parseTrack(t *testing.T, message []byte) {
	track, uuid := &parsedTrack{}, uint64(0)
	fields(t, message, func(number protowire.Number, v uint64) {
		switch {
		case number == 1: // TrackDescriptor.uuid
			uuid = v
		case number == 5: // .. parent_uuid
			track.parent = v
		case number == 11 && v == 3: // .. child_ordering EXPLICIT
		case number == 12: // .. sibling_order_rank
			track.rank = v
		default:
			t.Fatalf("field %d in a track is %d", number, v)
		}
	}, func(number protowire.Number, name []byte) {
		if number != 2 { // .. name
			t.Fatalf("field %d in a track", number)
		}
		track.name = string(name)
	})
	if uuid == 0 || p.tracks[uuid] != nil || track.parent != 0 && p.tracks[track.parent] == nil {
		t.Fatalf("track %d is there, or has no parent: %+v", uuid, track)
	}
	p.tracks[uuid] = track
	p.order = append(p.order, uuid)
}

func (e *parsedEvent) parse(t *testing.T, message []byte) {
	fields(t, message, func(number protowire.Number, v uint64) {
		switch number {
		case 9: // TrackEvent.type
			e.kind = v
		case 11: // .. track_uuid
			e.track = v
		case 47: // .. flow_ids
			e.flow = v
		case 48: // .. terminating_flow_ids
			e.end = v
		default:
			t.Fatalf("field %d in an event is %d", number, v)
		}
	}, func(number protowire.Number, name []byte) {
		if number != 23 { // .. name
			t.Fatalf("field %d in an event", number)
		}
		e.name = string(name)
	})
}

// A parsedSlice is one of a track; depth is how many it is in.
type parsedSlice struct {
	from, to int64
	name     string
	depth    int
	inside   int64 // the time of the slices in it
}

// slices returns those of each track in the order of their beginnings, and checks
// what is so of all traces.
func (p *parsed) slices(t *testing.T) map[uint64][]*parsedSlice {
	t.Helper()
	all, opened := map[uint64][]*parsedSlice{}, map[uint64][]*parsedSlice{}
	began, last := map[uint64]string{}, int64(0)
	for _, e := range p.events {
		if p.tracks[e.track] == nil || e.at < last {
			t.Fatalf("%+v: no such track, or not in order", e)
		}
		last = e.at
		open := opened[e.track]
		switch e.kind {
		case 1: // TYPE_SLICE_BEGIN
			s := &parsedSlice{from: e.at, name: e.name, depth: len(open)}
			all[e.track] = append(all[e.track], s)
			opened[e.track] = append(open, s)
			if who, ok := began[e.end]; e.end != 0 && (!ok || who != strings.Fields(e.name)[0]) {
				t.Fatalf("%+v: the flow that ends here began at %q", e, who)
			}
			delete(began, e.end)
		case 2: // TYPE_SLICE_END
			if len(open) == 0 {
				t.Fatalf("%+v: no slice is open", e)
			}
			s := open[len(open)-1]
			s.to = e.at
			if opened[e.track] = open[:len(open)-1]; len(open) > 1 {
				open[len(open)-2].inside += s.to - s.from
			}
		case 3: // TYPE_INSTANT
			if e.flow != 0 {
				began[e.flow] = strings.Fields(e.name)[1]
			}
		default:
			t.Fatalf("%+v: no such type", e)
		}
	}
	for track, open := range opened {
		if len(open) > 0 {
			t.Fatalf("%s: %+v has no end", p.tracks[track].name, *open[0])
		}
	}
	return all
}

// trace returns what a recorder writes.
func traceOf(t *testing.T, r *Recorder) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := r.WriteTrace(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// text shows a trace to people.
func (p *parsed) text() string {
	var b strings.Builder
	path := func(uuid uint64) (names string) {
		for ; uuid != 0; uuid = p.tracks[uuid].parent {
			names = "/" + p.tracks[uuid].name + names
		}
		return names
	}
	for _, uuid := range p.order {
		fmt.Fprintf(&b, "%d.%d %s\n", uuid, p.tracks[uuid].rank, path(uuid))
		depth := 0
		for _, e := range p.events {
			if e.track != uuid {
				continue
			}
			if e.kind == 2 {
				depth--
			}
			fmt.Fprintf(&b, "%8d %s%s %s", e.at, strings.Repeat("  ", depth), [...]string{1: "begin", 2: "end", 3: "at"}[e.kind], e.name)
			if e.kind == 1 {
				depth++
			}
			if e.flow+e.end != 0 {
				fmt.Fprintf(&b, " [%d]", e.flow+e.end)
			}
			b.WriteString("\n")
		}
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

func TestTrace(t *testing.T) {
	s := &script{names: map[int32]string{1: "infer"}, self: 2}
	r := openWith(t, s, Config{})
	s.write(
		Record{Time: 100, G: 1, Group: 1, P: 0, Event: Run},
		Record{Time: 110, G: 2, Group: 1, P: 0, Arg: 1, Event: GoStart},
		Record{Time: 120, G: 2, Group: 1, P: 1, Arg: 10, Event: Run},
		Record{Time: 130, G: 1, Group: 1, P: 0, Event: Park, Reason: 1},
		Record{Time: 135, P: -1, Arg: 4, Event: GCStart},
		Record{Time: 140, G: 2, Group: 1, P: 1, Event: AssistStart},
		Record{Time: 150, G: 2, Group: 1, P: 1, Event: AssistEnd},
		Record{Time: 155, G: 3, P: -1, Event: Ready},
		Record{Time: 157, P: -1, Arg: 4, Event: GCMarkDone},
		Record{Time: 158, P: -1, Arg: 2, Event: STWStart},
		Record{Time: 160, G: 2, Group: 1, P: 1, Event: Preempt},
		Record{Time: 170, P: -1, Arg: 2, Event: STWEnd},
		Record{Time: 171, P: -1, Arg: 4, Event: GCEnd},
		Record{Time: 172, G: 3, P: 1, Arg: 17, Event: Run},
		Record{Time: 175, G: 1, Group: 1, P: 1, Arg: 3, Event: Ready},
		Record{Time: 180, G: 1, Group: 1, P: 0, Arg: 5, Event: Run},
		Record{Time: 185, G: 3, P: 1, Event: SyscallEnter},
		Record{Time: 186, G: 2, Group: 1, P: 1, Arg: 26, Event: Run},
	)
	s.at(105)
	q := r.Request("before it was there")
	s.at(190)
	q.End()
	s.self = 1
	r.Request("still open").from = 125
	r.Add("of several", 150, 180, Phase{"queue", 140, 160}, Phase{"nothing", 160, 160}, Phase{"decode", 158, 300})
	s.at(200)
	data := traceOf(t, r)
	if !bytes.Equal(data, traceOf(t, r)) {
		t.Error("once more the bytes are others")
	}
	p := parse(t, data)
	p.slices(t)
	const golden = "testdata/trace.txt"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(p.text()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.text(); got != string(want) {
		t.Errorf("%s\nwant, of %s\n%s", got, golden, want)
	}
}

// TestTraceSchedules: in traces of made-up schedules slices nest, and say what is so.
func TestTraceSchedules(t *testing.T) {
	for seed := range uint64(200) {
		s := newSchedule(seed)
		s.run(150)
		src := &script{self: 1}
		r := openWith(t, src, Config{Window: time.Hour, Bytes: (50 + int(seed)) * recordBytes})
		src.at(1000)
		q := r.Request("all")
		src.write(s.records...)
		src.at(s.now)
		q.End()
		p := parse(t, traceOf(t, r))
		checkTrace(t, seed, p, s, r.flight.began, s.now)
	}
}

func checkTrace(t *testing.T, seed uint64, p *parsed, s *schedule, from, to int64) {
	t.Helper()
	ran := s.ran(from, to)
	for uuid, all := range p.slices(t) {
		track := p.tracks[uuid]
		parent := p.tracks[track.parent].name
		for _, slice := range all {
			if slice.from < from || slice.to > to || slice.to <= slice.from {
				t.Fatalf("seed %d: %s: %+v is not within %d to %d", seed, track.name, *slice, from, to)
			}
			switch whole := slice.inside == slice.to-slice.from; {
			case parent == "processors" && slice.depth == 0:
				var p int32
				var g uint64
				if _, err := fmt.Sscanf(track.name+" "+slice.name, "P%d g%d", &p, &g); err != nil {
					t.Fatal(err)
				}
				ran[p][g] -= time.Duration(slice.to - slice.from)
			case parent == "processors" && slice.depth == 1 && slice.name == "GC assist":
			case parent == "groups" && slice.depth == 0 && slice.name[0] == 'g' && whole:
			case parent == "requests" && slice.depth == 0 && slice.name == "all" && whole:
			case (parent == "groups" || parent == "requests") && slice.depth == 1 && slice.inside == 0:
			case parent == "runtime" && slice.depth == 0 && slice.name == "stop 1" || slice.name == "stopped":
			default:
				t.Fatalf("seed %d: in %s of %s: %+v", seed, track.name, parent, *slice)
			}
		}
	}
	for p, all := range ran {
		for g, d := range all {
			if d != 0 {
				t.Errorf("seed %d: of g%d's time on P%d the trace lacks %d ns", seed, g, p, d)
			}
		}
	}
}

func TestTraceOfNothing(t *testing.T) {
	p := parse(t, traceOf(t, openWith(t, &script{}, Config{})))
	if len(p.events) != 0 || len(p.tracks) == 0 {
		t.Errorf("%d events on %d tracks", len(p.events), len(p.tracks))
	}
	r := openWith(t, &script{no: "no scheduler"}, Config{})
	if err := r.WriteTrace(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "no scheduler") {
		t.Errorf("without records: %v", err)
	}
}

// failing fails from a piece on.
type failing struct{ pieces int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.pieces--; f.pieces < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestTraceInPieces: what is large is written in pieces, and ends with the first
// that fails.
func TestTraceInPieces(t *testing.T) {
	s := newSchedule(3)
	s.run(3000)
	src := &script{}
	r := openWith(t, src, Config{Window: time.Hour})
	src.write(s.records...)
	pieces := failing{pieces: 1000}
	if err := r.WriteTrace(&pieces); err != nil || pieces.pieces > 997 {
		t.Fatalf("%d pieces: %v", 1000-pieces.pieces, err)
	}
	if err := r.WriteTrace(&failing{pieces: 1}); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}
