package directive

import (
	"go/ast"
	"go/token"
	"slices"

	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// Attached is a directive with the declaration that it belongs to.
type Attached struct {
	Directive
	Type *ast.TypeSpec // for aggregates and events
	Func *ast.FuncDecl // for upcasts
}

// Scan returns the directives of a file in the order of their positions. Directives that
// belong to no declaration, or to one of the wrong kind, are problems. For those it also returns
// the names of the types that they are about, of which nothing can be told until they are mended.
func Scan(file *ast.File, problems *problem.List) (all []Attached, doubtful []string) {
	targets := docTargets(file)
	for _, group := range file.Comments {
		var own []Attached
		before := problems.Len()
		for i, c := range group.List {
			d, ok := Parse(c, problems)
			if !ok {
				continue
			}
			t := targets[group]
			a, ok := attach(d, t, problems)
			if !ok {
				continue
			}
			checkAtEnd(group.List[i+1:], d, problems)
			if fits(own, a, problems) {
				own = append(own, a)
			}
		}
		if completes(own, problems) {
			all = append(all, own...)
		}
		if problems.Len() > before {
			doubtful = append(doubtful, about(file, group, targets[group])...)
		}
	}
	return all, doubtful
}

// about returns the names of the types that the declaration at a comment is about; without
// one, of the next declaration.
func about(file *ast.File, group *ast.CommentGroup, t target) []string {
	if t.spec != nil {
		return []string{t.spec.Name.Name}
	}
	for _, decl := range file.Decls {
		if decl.End() < group.Pos() {
			continue
		}
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			return Mentioned(decl.Type)
		case *ast.GenDecl:
			var names []string
			for _, spec := range decl.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok {
					names = append(names, spec.Name.Name)
				}
			}
			return names
		}
	}
	return nil
}

// Mentioned returns the names in the signature of a function, its types' among them.
func Mentioned(signature *ast.FuncType) []string {
	var names []string
	ast.Inspect(signature, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}

// target is what a comment group stands at.
type target struct {
	spec     *ast.TypeSpec
	fn       *ast.FuncDecl
	other    string // what it is if neither
	trailing bool   // behind the declaration rather than above it
}

func docTargets(file *ast.File) map[*ast.CommentGroup]target {
	targets := map[*ast.CommentGroup]target{file.Doc: {other: "the package clause"}}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			targets[decl.Doc] = target{fn: decl}
		case *ast.GenDecl:
			targets[decl.Doc] = target{other: "a " + decl.Tok.String() + " declaration"}
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					targets[spec.Doc] = target{spec: spec}
					targets[spec.Comment] = target{spec: spec, trailing: true}
					if !decl.Lparen.IsValid() {
						targets[decl.Doc] = target{spec: spec}
					} else {
						targets[decl.Doc] = target{other: "a group of types"}
					}
				case *ast.ValueSpec:
					targets[spec.Doc] = target{other: "a " + decl.Tok.String() + " declaration"}
				}
			}
		}
	}
	delete(targets, nil)
	return targets
}

func attach(d Directive, t target, problems *problem.List) (Attached, bool) {
	wants := "a struct type"
	if d.Kind == Upcast {
		wants = "a function"
	}
	is := t.other
	switch {
	case t.trailing:
		problems.At(d.Pos, "//esgen:%s stands behind %s and has no effect: move it to the end of the doc comment above", d.Kind, t.spec.Name.Name)
		return Attached{}, false
	case t.spec != nil && d.Kind != Upcast:
		return Attached{Directive: d, Type: t.spec}, true
	case t.fn != nil && d.Kind == Upcast:
		return Attached{Directive: d, Func: t.fn}, true
	case t.spec != nil:
		is = "type " + t.spec.Name.Name
	case t.fn != nil:
		is = "function " + t.fn.Name.Name
	case t.other == "":
		problems.At(d.Pos, "//esgen:%s is attached to no declaration: put it at the end of the doc comment of %s, without a blank line between", d.Kind, wants)
		return Attached{}, false
	}
	problems.At(d.Pos, "//esgen:%s is on %s: it belongs at the end of the doc comment of %s", d.Kind, is, wants)
	return Attached{}, false
}

// checkAtEnd tells of text behind d in its doc comment; directives of any tool may follow.
func checkAtEnd(rest []*ast.Comment, d Directive, problems *problem.List) {
	for _, c := range rest {
		if _, ok := ast.ParseDirective(token.NoPos, c.Text); !ok && c.Text != "//" {
			problems.At(d.Pos, "//esgen:%s stands in the middle of a doc comment: move it to the end, below %q", d.Kind, firstLine(rest[len(rest)-1].Text))
			return
		}
	}
}

// fits reports whether a may join the other directives of its declaration.
func fits(own []Attached, a Attached, problems *problem.List) bool {
	for _, o := range own {
		switch {
		case o.Kind == Drop && a.Kind == Drop:
		case o.Kind == a.Kind:
			problems.At(a.Pos, "//esgen:%s is given twice: remove one of them", a.Kind)
			return false
		case belongsTo[o.Kind] != belongsTo[a.Kind]:
			problems.At(a.Pos, "%s can't be both an aggregate and an event: remove one of the directives", a.Type.Name.Name)
			return false
		}
	}
	return true
}

// belongsTo says which directive another stands beside.
var belongsTo = map[Kind]Kind{Aggregate: Aggregate, Drop: Aggregate, Event: Event, Retired: Event, Upcast: Upcast}

// completes reports a directive that stands beside another, which is not there.
func completes(own []Attached, problems *problem.List) bool {
	for _, a := range own {
		main := belongsTo[a.Kind]
		if !slices.ContainsFunc(own, func(o Attached) bool { return o.Kind == main }) {
			problems.At(a.Pos, "//esgen:%s is on %s, which has no //esgen:%s: write that too", a.Kind, a.Type.Name.Name, main)
			return false
		}
	}
	return true
}
