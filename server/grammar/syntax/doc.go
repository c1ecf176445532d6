// Package syntax is what grammars are written in and run as: rules of
// expressions, and the program of byte instructions that they become.
//
// # Model
//
// A [Grammar] is named rules; a rule's body is an [Expr]: text, a class of
// characters, a sequence, a choice, a repetition, another rule. [Compile] checks
// the rules and makes a [Program]: instructions that each read one byte, branch,
// call a rule or count. Characters outside ASCII become sequences of bytes, so
// whoever runs the program knows bytes alone.
//
//	var g syntax.Grammar
//	list := g.Rule("list")
//	item := syntax.Repeat(syntax.Class(syntax.Range{'a', 'z'}), 1, syntax.Unbounded)
//	g.Define(list, syntax.Seq(item, syntax.Repeat(syntax.Seq(syntax.Text(","), item), 0, syntax.Unbounded)))
//	g.Root = list
//	program, err := syntax.Compile(ctx, &g)
//
// A repetition is one instruction that counts, however often it may repeat. A
// call in the last place of a rule does not return, so that lists written as
// right recursion do not grow a stack.
//
// # Limits
//
// Left recursion is refused, and so is a root that derives no finite text; what
// never ends elsewhere is left out. [MaxRules] and [MaxInstructions] bound a
// program. A Grammar belongs to one goroutine, a Program is never changed.
package syntax
