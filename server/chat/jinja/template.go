package jinja

import (
	"context"
	"fmt"
	"time"
)

// Template is a parsed template. It is immutable: Render may be called
// concurrently.
type Template struct {
	body   []node
	limits Limits
	// Clock is the time of day of strftime_now; it may be changed before the
	// first Render.
	Clock func() time.Time
	large chan struct{} // holds one while a Render makes much; see Limits.LargeBytes
}

// Parse parses a template. Errors are of type [*Error].
func Parse(source string, limits Limits) (t *Template, err error) {
	if len(source) > limits.SourceBytes {
		return nil, &Error{Message: fmt.Sprintf("it has %d bytes, and the limit is %d", len(source), limits.SourceBytes)}
	}
	p := &parser{limits: &limits, blocks: map[string]bool{}}
	defer caught(&err, &p.line)
	p.tokens = lex(source, &p.line)
	body := p.statements()
	return &Template{body: body, limits: limits, Clock: time.Now, large: make(chan struct{}, 1)}, nil
}

// Render returns what the template makes of variables, in pieces whose
// neighbours differ in Trusted. Errors are of type [*Error].
func (t *Template) Render(ctx context.Context, variables map[string]Value) (pieces []Piece, err error) {
	r := &run{limits: &t.limits, ctx: ctx, clock: t.Clock, large: t.large}
	defer func() {
		if r.alone {
			<-t.large
		}
	}()
	defer caught(&err, &r.line)
	r.root = &scope{table: make(map[string]Value, len(variables)+8)}
	for name, value := range variables {
		r.root.table[name] = value
	}
	out := r.builder()
	out.limit = t.limits.OutputBytes
	r.out = &out
	r.spend(1) // a context that has ended ends this too
	r.body(t.body, r.root)
	return out.pieces(), nil
}
