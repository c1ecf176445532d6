package hooks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strings"
)

// Decl is a top-level declaration: its symbol and its lines, from 1, both ends in.
type Decl struct {
	Symbol      string
	First, Last int
}

// Decls lists the declarations of a source file by its slash-separated name in
// the tree. Go that does not parse gives what could be parsed; a language
// without declarations gives none.
func Decls(name string, content []byte) []Decl {
	switch path.Ext(name) {
	case ".go":
		return goDecls(name, content)
	case ".s":
		return asmDecls(name, content)
	}
	return nil
}

// importPath is the package that a file of the tree belongs to.
func importPath(name string) string {
	return path.Dir(strings.TrimPrefix(name, "src/"))
}

func goDecls(name string, content []byte) []Decl {
	fset := token.NewFileSet()
	file, _ := parser.ParseFile(fset, name, content, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil {
		return nil
	}
	l := lister{fset: fset, prefix: importPath(name) + "."}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			l.add(funcName(d), d.Doc, d)
		case *ast.GenDecl:
			l.addSpecs(d)
		}
	}
	return l.decls
}

// lister collects declarations.
type lister struct {
	fset   *token.FileSet
	prefix string
	decls  []Decl
}

func (l *lister) add(name string, doc *ast.CommentGroup, node ast.Node) {
	from := node.Pos()
	if doc != nil {
		from = doc.Pos()
	}
	// PositionFor, not Position: a //line comment must not move anything.
	l.decls = append(l.decls, Decl{
		Symbol: l.prefix + name,
		First:  l.fset.PositionFor(from, false).Line,
		Last:   l.fset.PositionFor(node.End(), false).Line,
	})
}

// addSpecs adds the parts of a type, var or const declaration, each with its
// comment; alone in its declaration, a part is the whole of it.
func (l *lister) addSpecs(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		var name string
		var doc *ast.CommentGroup
		switch s := spec.(type) {
		case *ast.TypeSpec:
			name, doc = s.Name.Name, s.Doc
		case *ast.ValueSpec:
			name, doc = s.Names[0].Name, s.Doc
		default:
			continue
		}
		if d.Lparen.IsValid() {
			l.add(name, doc, spec)
		} else {
			l.add(name, d.Doc, d)
		}
	}
}

// funcName is a function's name as in a symbol: f, T.f or (*T).f.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	kind := d.Recv.List[0].Type
	star, pointer := kind.(*ast.StarExpr)
	if pointer {
		kind = star.X
	}
	switch generic := kind.(type) {
	case *ast.IndexExpr:
		kind = generic.X
	case *ast.IndexListExpr:
		kind = generic.X
	}
	receiver := "?"
	if ident, ok := kind.(*ast.Ident); ok {
		receiver = ident.Name
	}
	if pointer {
		receiver = "(*" + receiver + ")"
	}
	return receiver + "." + d.Name.Name
}

// textSymbol is the head of an assembly function; · stands for the package's path.
var textSymbol = regexp.MustCompile(`^TEXT\s+([^\s,(<]*)·([^\s,(<]+)`)

// asmDecls lists TEXT blocks: each goes on to the next.
func asmDecls(name string, content []byte) []Decl {
	var decls []Decl
	lines := strings.Split(string(content), "\n")
	for i, line := range lines {
		match := textSymbol.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		in := strings.NewReplacer("∕", "/", "·", ".").Replace(match[1])
		if in == "" {
			in = importPath(name)
		}
		if n := len(decls); n > 0 {
			decls[n-1].Last = i
		}
		decls = append(decls, Decl{Symbol: in + "." + match[2], First: i + 1, Last: len(lines)})
	}
	return decls
}

// At returns the symbols of the declarations that hold a line of [first, last].
func At(decls []Decl, first, last int) []string {
	var symbols []string
	for _, d := range decls {
		if d.First <= last && first <= d.Last {
			symbols = append(symbols, d.Symbol)
		}
	}
	return symbols
}
