// Package c05 declares the article's mistake 2: what a yield in the token loop
// costs, and what it is good for.
//
// measure/ is its command.
package c05
