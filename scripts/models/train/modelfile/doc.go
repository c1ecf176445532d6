// Package modelfile writes a trained network as a GGUF file that llama.cpp
// loads: F32, or Q8_0 with a quarter of its size.
//
// # Model
//
// [Write] puts the architecture, the vocabulary, the chat template and what the
// model was made from into the metadata, and the tensors behind it. Matrices
// are quantised here, by the rule of ggml's reference: a block of 32 elements
// shares a scale, the largest magnitude over 127. Vectors stay F32.
//
// # Limits
//
// Rows of matrices are multiples of 32 elements for Q8_0. The output's matrix is
// the embedding, and is not stored twice.
package modelfile
