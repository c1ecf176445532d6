// Package c03 declares the article's claim about encodings: protobuf in place of
// JSON.
//
// measure/ is its command.
package c03
