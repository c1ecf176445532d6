// Package gbnf reads grammars in GBNF, the notation of llama.cpp.
//
// # Model
//
// A grammar is rules, of which root derives the text:
//
//	root   ::= greeting ("," ws name){1,3} "!"   # a comment
//	greeting ::= "hello" | [hH] "i"
//	name   ::= [A-Z] [^ \t\n,!]*
//	ws     ::= " "?
//
// A rule ends with its line, unless the line ends in "|" or within parentheses,
// or the next one begins with "|". Text in quotes and classes in brackets take
// the escapes \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH, which name
// characters. "." is any character. What follows *, +, ?, {m}, {m,} and {m,n} is
// repeated: one text, class, rule or group. A token without text, or any other, may
// be named: <tool_call>, <[151657]>; see [Names].
//
// # Limits
//
// Groups nest no deeper than [MaxDepth]. Rules that are not defined, or defined
// twice, and left recursion are refused; an error says where. All
// tokens but one (!<name>) cannot be named.
package gbnf
