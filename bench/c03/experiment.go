package c03

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "c03",
	Title: "protobuf in place of JSON",
	Claim: "Binary protobuf encoding instead of JSON: 3.2× faster.",
	Mistaken: "The figure is one over encoding/json, which finds out by reflection what it writes. JSON that is written by " +
		"hand into the stream's own buffer, as this server does, is most of the way there (event/encode_times_writer): what " +
		"is left is a frame of fewer bytes, and a client that decodes it sooner. gogoprotobuf, which the article takes, is " +
		"given up by its authors; vtprotobuf generates the same kind of code for google.golang.org/protobuf.",
	Metric: "event/encode_times_json",
	Label:  "time of encoding/json over that of protobuf, to encode a token event",
	Unit:   "×",
	Better: experiment.HigherIsBetter,
	Bars: []experiment.Bar{
		{Text: "a token event is encoded 3.2 times as fast as by encoding/json", Bound: experiment.AtLeast, Limit: 3.2},
		{Text: "one with log-probabilities too", Metric: "scored/encode_times_json", Bound: experiment.AtLeast, Limit: 3.2},
		{Text: "a whole answer too", Metric: "answer/encode_times_json", Bound: experiment.AtLeast, Limit: 3.2},
		{Text: "a token event is decoded 3.2 times as fast", Metric: "event/decode_times_json", Bound: experiment.AtLeast, Limit: 3.2},
		{Text: "one with log-probabilities too", Metric: "scored/decode_times_json", Bound: experiment.AtLeast, Limit: 3.2},
		{Text: "a whole answer too", Metric: "answer/decode_times_json", Bound: experiment.AtLeast, Limit: 3.2},
		{Text: "to stream a token as protobuf is no dearer than as JSON that is written by hand", Metric: "event/encode_times_writer", Bound: experiment.AtLeast, Limit: 1},
		{Text: "and it allocates nothing", Metric: "event/served/encode_allocs", Bound: experiment.AtMost, Limit: 0.01},
	},
	Metrics: []experiment.Metric{
		{Name: "{event,scored,answer}/{protobuf,reflected,json}/encode_{ns,allocs,alloc_bytes}", Text: "a message of weir.v1 into a buffer that is there: " +
			"by vtprotobuf's code, by google.golang.org/protobuf, and the same fields by encoding/json"},
		{Name: "{event,scored,answer}/{protobuf,reflected,json}/decode_{ns,allocs,alloc_bytes}", Text: "and back, into a new message"},
		{Name: "{event,scored,answer}/{served,writer}/encode_{ns,allocs,alloc_bytes}", Text: "what the generator gives into a client's buffer, as this server does: " +
			"weir.v1 over gRPC, and chat completions in JSON, an answer from its first event to its last"},
		{Name: "{event,scored,answer}/{protobuf,json,served,writer}/size_bytes", Text: "what is sent of it"},
		{Name: "{event,scored,answer}/{encode,decode}_times_json", Text: "time of json over that of protobuf"},
		{Name: "{event,scored,answer}/encode_times_writer", Text: "time of writer over that of served"},
	},
	Quick: []string{"-passes=3", "-calls=100"},
}
