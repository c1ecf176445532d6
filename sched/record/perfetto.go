package record

import (
	"cmp"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of fields, and of enumerations' values, of Perfetto's trace.proto,
// trace_packet.proto, track_descriptor.proto and track_event.proto.
const (
	tracePacket = 1

	packetTimestamp  = 8 // ns
	packetSequence   = 10
	packetEvent      = 11
	packetFlags      = 13
	packetDescriptor = 60

	descriptorUUID     = 1
	descriptorName     = 2
	descriptorParent   = 5
	descriptorOrdering = 11 // of its children
	descriptorRank     = 12 // among its siblings

	eventType         = 9
	eventTrack        = 11
	eventName         = 23
	eventFlows        = 47 // fixed64, and so is the next
	eventEndsFlows    = 48
	typeBegin         = 1
	typeEnd           = 2
	typeInstant       = 3
	orderingExplicit  = 3
	flagsStateCleared = 1 // the sequence begins

	sequence = 1 // there is one writer
)

// pieceBytes is how much is written at once, or a packet more.
const pieceBytes = 64 << 10

// encode writes the trace's bytes. What fails first is returned, and nothing is
// written any more.
func (t *trace) encode(w io.Writer) (err error) {
	var out, packet, message []byte
	write := func() {
		if err == nil && len(out) > 0 {
			_, err = w.Write(out)
		}
		out = out[:0]
	}
	put := func(at int64, flags uint64, field protowire.Number) {
		packet = packet[:0]
		if field == packetEvent {
			packet = appendUint(packet, packetTimestamp, uint64(at))
		}
		packet = appendUint(packet, packetSequence, sequence)
		if flags != 0 {
			packet = appendUint(packet, packetFlags, flags)
		}
		packet = appendBytes(packet, field, message)
		if out = appendBytes(out, tracePacket, packet); len(out) >= pieceBytes {
			write()
		}
	}
	flags := uint64(flagsStateCleared)
	for i, track := range t.tracks {
		message = appendUint(message[:0], descriptorUUID, uint64(i)+1)
		message = appendBytes(message, descriptorName, track.name)
		if track.parent >= 0 {
			message = appendUint(message, descriptorParent, uint64(track.parent)+1)
		}
		message = appendUint(message, descriptorOrdering, orderingExplicit)
		message = appendUint(message, descriptorRank, uint64(track.rank))
		put(0, flags, packetDescriptor)
		flags = 0
	}
	for _, e := range t.events() {
		message = appendUint(message[:0], eventType, e.kind)
		message = appendUint(message, eventTrack, uint64(e.track)+1)
		if e.name != "" {
			message = appendBytes(message, eventName, e.name)
		}
		if e.flow != 0 {
			field := protowire.Number(eventFlows)
			if e.kind == typeBegin {
				field = eventEndsFlows
			}
			message = protowire.AppendTag(message, field, protowire.Fixed64Type)
			message = protowire.AppendFixed64(message, e.flow)
		}
		put(e.at, 0, packetEvent)
	}
	write()
	return err
}

// An event is a mark or an edge, as it is written.
type event struct {
	kind  uint64
	track int
	at    int64
	name  string
	flow  uint64
}

// events returns all marks and edges in the order of time. Those of one time keep
// theirs, by which slices nest.
func (t *trace) events() []event {
	all := make([]event, 0, len(t.marks)+len(t.edges))
	for _, m := range t.marks {
		all = append(all, event{typeInstant, m.track, m.at, m.name, m.flow})
	}
	for _, e := range t.edges {
		kind := uint64(typeBegin)
		if e.name == "" {
			kind = typeEnd
		}
		all = append(all, event{kind, e.track, e.at, e.name, e.flow})
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return all
}

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendBytes[T string | []byte](b []byte, field protowire.Number, v T) []byte {
	b = protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(len(v)))
	return append(b, v...)
}
