// Package jinja evaluates chat templates as Hugging Face's transformers does:
// Python's jinja2 with trim_blocks, lstrip_blocks, loop controls, the
// generation tag and the immutable sandbox, in which nothing that a template
// was given can be changed.
//
// # Model
//
// [Parse] makes a tree of a template; [Template.Render] walks it and may be
// called from any number of goroutines. Values are Python's: integers of any
// size, floats, None, strings indexed by character, tuples, dicts that keep
// their order. What jinja2 calls undefined is [Undefined].
//
// # Origin
//
// Every string knows, byte by byte, whether the template wrote it or a client
// did, and so does every number that comes from a client. Slices, joins,
// replacements, formats, JSON and the like keep that, so that a rendering
// comes out as [Piece] values: who tokenises it can take control tokens from
// the template's own text alone. Brackets and commas of a printed container
// belong to who made the container. Comparisons ignore all of it.
//
//	t, err := jinja.Parse(source, jinja.DefaultLimits())
//	pieces, err := t.Render(ctx, map[string]jinja.Value{"name": jinja.String("Ada", false)})
//
// # Limits
//
// Templates come from strangers, so [Limits] hold before the fact: each
// operation pays for its steps and for the bytes of what it makes before it
// makes it, nesting is bounded where it is parsed and where it is evaluated,
// and the context is looked at every few thousand steps. Within the package a
// failure is a panic with an [*Error], which Parse and Render return.
//
// Not supported, and refused where they are evaluated: include, import,
// extends, autoescape, lists' and dicts' methods that change them, and the
// filters pprint, random, striptags, urlize, wordwrap and xmlattr; complex
// numbers, bytes, sets, characters by name, and integers of more than 4300
// digits. The filters safe and escape give plain strings. A filter that nobody
// has is refused where it is reached.
package jinja
