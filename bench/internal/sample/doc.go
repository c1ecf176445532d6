// Package sample is the child's side of an experiment: flags in, one JSON
// object of named measurements out.
//
//	func main() {
//		turns := flag.Int("turns", 10_000, "turns of the loop")
//		sample.Main(c05.Experiment, func(r *sample.Recorder) error {
//			r.Set("plain/ns_per_turn", measure(*turns))
//			return nil
//		})
//	}
//
// What may be set is what the experiment's declaration lists: another name
// panics. The values of all flags travel with the measurements, so that a result
// tells how it was made.
package sample
