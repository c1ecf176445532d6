// Command bench runs Weir's experiments and writes what they found.
//
//	go run ./bench -list
//	go run ./bench c05 ceiling        # these; without a name, all
//	go run ./bench -quick c05         # a smoke run, not a measurement
//	go run ./bench -args '-iterations=100000' c05
//
// `make bench RUN="c05 ceiling"` builds what they need first. Results go to
// build/bench: <id>.json with the medians, the ratio and whether the bars hold,
// <id>.raw.jsonl with every sample, and report.md over all results there.
//
// An experiment is a folder: bench/<id> declares it, in package <id>, and
// bench/<id>/measure is its command, whose parameters are its flags, with the
// article's values as defaults. A metric that the declaration does not know
// cannot be recorded, and a bar that needs one which is not measured is refused
// before the first round. WEIR_GO names our go command if it is not
// build/go/bin/go.
//
// With -against=revision the two sides are an earlier revision of this
// repository and the work tree, both built by our toolchain:
//
//	go run ./bench -against=HEAD~3 ceiling c07
//
// With -results=bench/results nothing is run: what -out holds is published there,
// as `make results` does.
//
// An experiment that needs what is not there, such as a package of the system or
// the URL of another server, is skipped, and says what to do.
//
// The exit status is 0 if every experiment ran or was skipped, whether its bars
// hold or not; a loss is a result. It is 1 if one failed.
package main
