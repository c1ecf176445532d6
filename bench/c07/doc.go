// Package c07 declares the article's mistake 4: what streaming a token costs a
// server, by net/http, by fan-out over io_uring, and by the bare sends.
//
// measure/ is its command, floor/ the server that only submits the sends.
package c07
