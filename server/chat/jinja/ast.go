package jinja

// node is a statement.
type node interface {
	exec(r *run, s *scope) flow
}

// flow says how to go on after a statement.
type flow uint8

const (
	goOn flow = iota
	breakLoop
	continueLoop
)

// expr is an expression.
type expr interface {
	eval(r *run, s *scope) Value
}

// Statements.
type (
	textNode  struct{ text *Str }
	printNode struct {
		line  int
		value expr
	}
	ifNode struct {
		line     int
		tests    []expr
		branches [][]node // one more than tests: else
	}
	forNode struct {
		line      int
		target    target
		over      expr
		test      expr // or nil
		recursive bool
		keeps     bool // the body makes what outlives an iteration's variables
		body      []node
		otherwise []node
	}
	setNode struct {
		line   int
		target target
		value  expr
	}
	setBlockNode struct {
		line   int
		target target
		filter *path // or nil
		body   []node
	}
	withNode struct {
		line    int
		targets []target
		values  []expr
		body    []node
	}
	filterNode struct {
		line   int
		filter *path
		body   []node
	}
	macroNode struct {
		line                    int
		name                    string
		params                  []string
		defaults                []expr // of the last params
		body                    []node
		varargs, kwargs, caller bool // the body mentions them
	}
	callNode struct {
		line   int
		caller *macroNode
		call   *path
	}
	blockNode struct {
		line   int
		name   string
		scoped bool
		body   []node
	}
	groupNode  struct{ body []node } // {% generation %}
	flowNode   struct{ flow flow }
	refuseNode struct {
		line int
		what string
	}
)

// target is what can be assigned to.
type target interface {
	assign(r *run, s *scope, v Value)
}

type (
	nameTarget      struct{ name string }
	namespaceTarget struct{ name, attribute string }
	tupleTarget     struct{ parts []target }
)

// Expressions. Chains of operators of one precedence are one node, so that
// their length costs no depth.
type (
	constant struct{ value Value }
	name     struct {
		name    string
		missing *Undefined
	}
	listExpr  struct{ items []expr }
	tupleExpr struct{ items []expr }
	dictExpr  struct{ keys, values []expr }
	anyOf     struct{ parts []expr } // or
	allOf     struct{ parts []expr } // and
	notExpr   struct{ value expr }
	condition struct {
		test, yes expr
		no        expr // or nil
		missing   *Undefined
	}
	comparison struct {
		first expr
		rest  []link
	}
	arithmetic struct {
		first expr
		rest  []link
	}
	concatenation struct{ parts []expr }
	sign          struct {
		negative bool
		value    expr
	}
	// path is a value and what is done to it in turn.
	path struct {
		base  expr // nil in filter blocks
		steps []pathStep
	}
	link struct {
		operator string
		value    expr
	}
)

// pathStep is one of .name, [item], [a:b:c], (args), |filter and is test.
type pathStep interface {
	apply(r *run, s *scope, v Value) Value
}

type (
	attrStep struct {
		name    string
		missing *Undefined
	}
	itemStep struct {
		key     expr
		missing *Undefined
	}
	sliceStep struct{ from, to, by expr } // nil: left out
	callStep  struct{ args *argList }
	// methodStep is attrStep and callStep in one, without the function
	// between them.
	methodStep struct {
		attr attrStep
		args *argList
	}
	filterStep struct {
		name string
		args *argList
	}
	testStep struct {
		name   string
		args   *argList
		negate bool
	}
)

// argList is what stands between the parentheses of a call.
type argList struct {
	pos       []expr
	names     []string
	named     []expr
	rest      expr // *args, or nil
	restNamed expr // **kwargs, or nil
}
