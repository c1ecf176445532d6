// Models makes the model files that tests, benchmarks and a first start of the
// server use. They are seeded: nothing is downloaded, and everybody has the
// same bytes.
//
//	go run ./scripts/models [-o build/models] [-seed N] NAME[:TYPE]...
//
// NAME is tiny, 15m or 110m. With a TYPE such as q8_0 or q4_k_m the model is
// quantised by the engine library (see scripts/enginelib) into a file of its
// own, and the model it comes from is made too:
//
//	go run ./scripts/models tiny            # build/models/tiny.gguf
//	go run ./scripts/models 110m:q8_0       # and build/models/110m-q8_0.gguf
//
// NAME-TYPE, as in the file's name, means the same.
//
// NAME demo is the model that has learnt something: it answers questions about
// Weir. It is not made here but copied out of testdata; folder train has what
// trained it, folder corpus what it was trained on.
//
// A file that is whole and was made by the same recipe is left as it is. The
// recipe is in its metadata under weir.recipe; quantising copies it.
//
// K-quants (q4_k_m and its like) need rows of 256·n elements. 15m and 110m
// have them; tiny does not, and the library puts the nearest legacy type where
// a k-quant does not fit.
package main
