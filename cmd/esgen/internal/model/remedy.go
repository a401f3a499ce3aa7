package model

import (
	"fmt"
	"go/ast"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// upcastStub says which upcaster to write, or where the directive is all that is missing.
func (b *builder) upcastStub(from, to string) string {
	if f := b.forgotten(from, to); f != nil {
		return "//esgen:upcast above " + f.Name.Name
	}
	return fmt.Sprintf("func %s(old %s) %s { … } with //esgen:upcast above it", b.free("upcast"+names.Upper(from)), from, to)
}

// free returns a name that the package doesn't declare yet, if need be a longer one.
func (b *builder) free(name string) string {
	for b.Declared[name].IsValid() || b.DeclaredInTests[name].IsValid() {
		name += "Old"
	}
	return name
}

// declaresType reports whether the package declares a type, be it one that nothing leads to.
func (b *builder) declaresType(name string) bool {
	for _, file := range b.Files {
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.GenDecl); ok {
				for _, spec := range decl.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.Name == name {
						return true
					}
				}
			}
		}
	}
	return false
}

// forgotten returns a function that looks like an upcaster to a struct and has no directive, nil if
// there is none. An empty from means any struct that is no version yet, by a name that tells.
func (b *builder) forgotten(from, to string) *ast.FuncDecl {
	declared := map[*ast.FuncDecl]bool{}
	for _, d := range b.Directives {
		declared[d.Func] = true
	}
	for _, file := range b.Files {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || declared[f] || f.Recv != nil || f.Type.Params.NumFields() != 1 || f.Type.Results.NumFields() == 0 {
				continue
			}
			old, result := typeName(f.Type.Params.List[0].Type), f.Type.Results.List[0].Type
			if slice, ok := result.(*ast.ArrayType); ok && slice.Len == nil {
				result = slice.Elt
			}
			if typeName(result) != to || old == to {
				continue
			}
			_, n := numbered(old)
			version := b.structs[old] != nil && b.structs[old].version != nil
			if old == from || from == "" && !version && old != "" && (n > 0 || strings.HasPrefix(f.Name.Name, "upcast")) {
				return f
			}
		}
	}
	return nil
}

func typeName(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// namesake returns the version Started for a struct StartedV1, nil if there is none.
func (b *builder) namesake(s *eventStruct) *Version {
	base, n := numbered(s.goName)
	if latest := b.structs[base]; n > 0 && latest != nil {
		return b.resolve(latest)
	}
	return nil
}

// directiveFor says which directive to write above a struct that an upcaster takes, so that it is
// an event with all that is to be known of it.
func (b *builder) directiveFor(s *eventStruct) string {
	base, n := numbered(s.goName)
	aggregates := b.Aggregates
	if to := s.from.to; to != nil && b.resolve(to) != nil {
		aggregates = []*Aggregate{to.version.Event.Aggregate}
	} else if a := b.aggregates[s.from.sum]; a != nil {
		aggregates = []*Aggregate{a}
	}
	name := ""
	if v := b.namesake(s); v != nil {
		aggregates, name = []*Aggregate{v.Event.Aggregate}, v.Event.Name
	}
	var choices []string
	for _, a := range aggregates {
		name := name
		if name == "" {
			name = a.Category + "." + names.Snake(base)
		}
		if !isEventName(name) {
			name = a.Category + ".old"
		}
		d := fmt.Sprintf("//esgen:%s name=%s version=%d", directive.Event, name, max(n, 1))
		if len(b.Aggregates) > 1 {
			d += " aggregate=" + a.Go
		}
		choices = append(choices, d)
	}
	return strings.Join(choices, " or ") + " above type " + s.goName
}
