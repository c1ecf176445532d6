// Package probe says what this kernel and this process's permissions offer of
// io_uring, chooses between it and package net, and has the words for what is
// missing. Package iouring gives its names to users.
package probe
