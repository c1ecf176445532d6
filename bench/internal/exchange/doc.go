// Package exchange sends the same short request over many connections, each
// again and again, as a load for package paired.
//
//	request := exchange.Post("/tokenize", `{"content":"Once upon a time"}`)
//	c, err := exchange.Dial("tcp", address, 16, request, 0)
//	defer c.Close()
//	load := paired.Load{Workers: 16, Step: c.Step}
//
// # Model
//
// A client that shares the processors with what it measures must not take them:
// it writes ready bytes and reads as many as the first answer had, without
// looking at more than how they begin.
//
// # Limits
//
// All answers must be equally long, as those of HTTP are if the same is asked:
// a date has one length. Another length shows as another beginning of the next
// answer, or as a wait that Close ends.
package exchange
