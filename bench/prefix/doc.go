// Package prefix declares what the server gains by computing the beginning of a prompt
// once: a prompt that is sent again, and conversations that are sent whole with each
// turn.
//
// measure/ is its command.
package prefix
