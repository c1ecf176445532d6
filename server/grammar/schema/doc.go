// Package schema makes grammars of JSON schemas: each text that such a grammar
// derives is JSON, and valid by its schema.
//
// # Model
//
// A schema is read with all that applies at the same place (its allOf, the
// targets of its $ref, one branch of each anyOf), which is merged into one
// description; that becomes one rule of a [syntax.Grammar]. What is below it (the
// schema of a property, of an item) becomes a rule of its own, which is made
// later: schemas may be recursive, and nothing here recurses with them.
//
// Not all that is valid can be generated, and the choice is this:
//
//   - Properties come in the order of the schema, those that it does not name
//     last. An object that names properties has no others, unless it says
//     additionalProperties.
//   - A keyword about a type (properties, items, pattern, minimum) without a type
//     beside it means values of that type.
//   - Between two tokens there is at most one blank, or the end of a line with
//     [MaxIndent] blanks, so that no model goes on with blanks forever; numbers
//     have a bounded number of digits.
//   - Where any value is allowed, it nests [MaxNesting] deep at most.
//   - oneOf is read as anyOf.
//
// # Limits
//
// A keyword that says what is valid and is not supported is refused, with its
// JSON pointer: contains, not, if, dependent*, and the combinations that errors
// name; uniqueItems is kept where items have an enum, whose values then come in its
// order, and multipleOf of integers where there are both bounds or none. Other keywords are ignored, as JSON Schema wants it. Formats
// are those of [Formats]; others say nothing about what is valid, nor does one
// that would need too many states beside a length. Names of
// properties that the schema does not name are written without escapes beside
// those that it names, and may come twice. What is done for the schemas of one
// form is counted, in steps of the patterns' automata for the most part: 16 Mi at
// most, a second or so.
package schema
