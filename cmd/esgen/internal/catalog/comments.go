package catalog

import (
	"go/ast"
	"go/token"
	"strings"
)

// docs has the doc comments of a package's declarations.
type docs struct {
	types  map[string]string
	fields map[token.Pos]string // by the position of a field's name
}

func readDocs(files []*ast.File) *docs {
	d := &docs{map[string]string{}, map[token.Pos]string{}}
	for _, file := range files {
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.TYPE {
				continue
			}
			for _, spec := range gen.Specs {
				d.spec(gen, spec.(*ast.TypeSpec))
			}
		}
	}
	return d
}

func (d *docs) spec(gen *ast.GenDecl, spec *ast.TypeSpec) {
	doc := spec.Doc
	if doc == nil && !gen.Lparen.IsValid() {
		doc = gen.Doc
	}
	d.types[spec.Name.Name] = text(doc)
	ast.Inspect(spec.Type, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		of := text(field.Doc)
		if of == "" {
			of = text(field.Comment)
		}
		for _, name := range field.Names {
			d.fields[name.Pos()] = of
		}
		return true
	})
}

// field returns the doc comment of the field at pos.
func (d *docs) field(pos token.Pos) string {
	if d == nil {
		return ""
	}
	return d.fields[pos]
}

// text returns a comment's text without directives.
func text(doc *ast.CommentGroup) string { return strings.TrimSpace(doc.Text()) }
