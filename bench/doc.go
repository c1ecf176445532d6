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
// An experiment is a declaration in this folder, <id>.go, and a command of the
// same name, <id>/, whose parameters are its flags, with the article's values
// as defaults. WEIR_GO names our go command if it is not build/go/bin/go.
//
// The exit status is 0 if every experiment ran, whether its bars hold or not;
// a loss is a result. It is 1 if one failed.
package main
