// Package drafts declares what speculative decoding gains where guesses are right, and
// what it costs where they are not.
//
// measure/ is its command.
package drafts
