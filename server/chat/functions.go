package chat

import (
	"github.com/ardanlabs/jinja"
)

// Names that prepare writes into templates.
const (
	stepFunction  = "weir_step"  // in loops
	enterFunction = "weir_enter" // at the start of macros
	leaveFunction = "weir_leave" // at their end
	jsonFilter    = "weir_tojson"
)

// budget counts what one Render has done.
type budget struct {
	limits Limits
	steps  int
	depth  int
}

func (b *budget) step() error {
	if b.steps++; b.steps > b.limits.Steps {
		return failed("it takes more than %d steps", b.limits.Steps)
	}
	return nil
}

func (b *budget) enter() error {
	if b.depth++; b.depth > b.limits.MacroDepth {
		return failed("its macros call each other more than %d deep", b.limits.MacroDepth)
	}
	return b.step()
}

func (b *budget) leave() error {
	b.depth--
	return nil
}

// addFunctions adds this package's functions, with state of their own for one
// Render. They hide the library's of the same name.
func (t *Template) addFunctions(variables map[string]jinja.Value) {
	b := &budget{limits: t.limits}
	counted := func(name string, count func() error) {
		variables[name] = jinja.NewCallable(name, func([]jinja.Value, map[string]jinja.Value) (jinja.Value, error) {
			return jinja.NewString(""), count()
		})
	}
	counted(stepFunction, b.step)
	counted(enterFunction, b.enter)
	counted(leaveFunction, b.leave)
	variables[jsonFilter] = jinja.NewCallable("tojson", b.toJSON)
	variables["range"] = jinja.NewCallable("range", b.countRange)
	variables["raise_exception"] = jinja.NewCallable("raise_exception", raise)
}

// raise ends the rendering with the template's own message.
func raise(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	message := "no reason given"
	if len(args) > 0 {
		message = plain(args[0])
	}
	return jinja.Undefined(), &RenderError{Message: message, BadRequest: true}
}

// plain returns a value as {{ }} would print it.
func plain(v jinja.Value) string {
	if v.IsString() {
		return v.AsString()
	}
	return v.String()
}

// countRange is Python's range, of a bounded length.
func (b *budget) countRange(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	numbers := make([]int64, len(args))
	for i, arg := range args {
		if !arg.IsInt() {
			return jinja.Undefined(), failed("range() takes integers, not %s", arg)
		}
		numbers[i] = arg.AsInt()
	}
	start, stop, step := int64(0), int64(0), int64(1)
	switch len(numbers) {
	case 1:
		stop = numbers[0]
	case 2:
		start, stop = numbers[0], numbers[1]
	case 3:
		start, stop, step = numbers[0], numbers[1], numbers[2]
	default:
		return jinja.Undefined(), failed("range() takes 1 to 3 integers, not %d", len(args))
	}
	if step == 0 {
		return jinja.Undefined(), failed("range() has a step of 0")
	}
	var items []jinja.Value
	for n := start; (step > 0 && n < stop) || (step < 0 && n > stop); {
		if len(items) == b.limits.RangeItems {
			return jinja.Undefined(), failed("range() makes more than %d numbers", b.limits.RangeItems)
		}
		items = append(items, jinja.NewInt(n))
		next := n + step
		if (next > n) != (step > 0) {
			break // past the largest integer
		}
		n = next
	}
	return jinja.NewList(items), nil
}
