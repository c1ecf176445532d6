// Package slotfile is the file that keeps what is in a slot, or was: the tokens of a
// sequence and the state that an engine has computed of them.
//
// # Form
//
// All numbers are little-endian.
//
//	8 bytes   "WEIRSLOT"
//	4         the form's version
//	32        SHA-256 of the identity: what model and engine the state is of
//	4         tokens
//	8         bytes of the state
//	4 each    the tokens
//	..        the state
//	32        SHA-256 of all before
//
// A file is written whole or not at all: under another name, which it loses when
// everything is on the disk. Nothing in it is believed before its sum has been
// compared, and no more is read than its size says.
//
//	dir, err := slotfile.Open(path)
//	...
//	bytes, err := dir.Write("chat.bin", identity, tokens, state)
//	...
//	slot, err := dir.Read("chat.bin", slotfile.Expect{Identity: identity, Tokens: 4096, Vocabulary: 32000})
//	...
//	defer slot.Free()
//
// # Limits
//
// Names are plain ones of one directory; a link that leads out of it is not
// followed. The sum tells damage, not forgery: who may write into the directory
// may write what engines then are to refuse.
package slotfile
