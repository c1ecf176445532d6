// Package flood declares the product's headline: what eight streams keep of
// their tokens and of their pace beside clients that ask the same server for
// something else, all they can.
//
// measure/ is its command.
package flood
