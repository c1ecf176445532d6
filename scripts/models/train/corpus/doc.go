// Package corpus reads the texts that the demo model learns, and makes from
// them the many wordings that it learns them in.
//
// # Form
//
// Files are plain text. A line in brackets begins an item and names it; a field
// is a letter, a colon and a space; a line without one goes on with the field
// before it, until a blank line. A line that begins with # is a comment.
//
//	[id: what-is-weir]
//	Q: What is Weir?
//	Q: tell me about weir
//	A: An inference server.
//
//	[chat: hello]
//	S: Answer in short sentences.
//	U: Hello!
//	A: Hello. What would you like to know?
//	U: Nothing.
//	A: Good.
//
//	[tool: weather-bern]
//	T: {"name": "weather", "description": "…", "parameters": {…}}
//	U: How warm is it in Bern?
//	C: {"name": "weather", "arguments": {"city": "Bern"}}
//
//	[json: colours]
//	U: Give me a colour as JSON.
//	J: {"colour": "green"}
//
// Several questions of one answer, or U lines in a row before a call or an
// object, are wordings of the same. [Read] reads one file, [Load] a folder:
// files named heldout-* are kept apart, to judge by; questions there may leave
// their answer to the item of the same name.
//
// # Wordings
//
// [Writer] makes conversations out of items: a wording, opened in another way or
// with another word, in one of many frames ("can you tell me …"), with the case,
// the marks and the slips of people who type; at times other questions, their
// answers or a system message stand before it. In calls of tools, names and
// numbers that the question has too are swapped for others.
//
// Each kind has its share of the conversations; within a kind an item comes up as
// often as it has wordings, within reason. Some frames are never trained on; the
// held-out conversations use those alone. Conversation number n of a seed is the
// same one always.
//
// # Limits
//
// Files have up to 4 MiB, lines 16 KiB, all items together 100,000; what is
// not in the form is an error with file and line.
package corpus
