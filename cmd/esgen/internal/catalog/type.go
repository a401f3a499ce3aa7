package catalog

import (
	"go/types"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// TypeOf returns the type of a shape of a package's, without doc comments.
func TypeOf(s *shape.Type, user *types.Package) *Type {
	return (&typing{user: user, docs: readDocs(nil), seen: map[*shape.Type]*Type{}}).of(s)
}

// typing turns shapes into types. The same shape is the same type, so that recursive ones end.
type typing struct {
	user *types.Package
	docs *docs
	seen map[*shape.Type]*Type
}

func (c *typing) of(s *shape.Type) *Type {
	if s == nil {
		return nil
	}
	if t := c.seen[s]; t != nil {
		return t
	}
	t := &Type{Kind: s.Kind, Bits: s.Bits, Len: s.Len}
	c.seen[s] = t
	switch s.Kind {
	case shape.Struct, shape.Marshaler, shape.Text, shape.Slice, shape.Array, shape.Map, shape.Pointer:
		t.Name = c.name(s.Go)
	}
	t.Key, t.Elem = c.of(s.Key), c.of(s.Elem)
	for _, f := range s.Fields {
		t.Fields = append(t.Fields, &Field{
			Name: f.Name, Doc: c.docs.field(f.Pos), Type: c.of(f.Type),
			Required: f.Required(), Default: f.Default, Quoted: f.Quoted,
		})
	}
	return t
}

// name returns a type's name as the package's own code would write it, "" if it has none.
func (c *typing) name(t types.Type) string {
	if _, ok := t.(*types.Named); !ok {
		return ""
	}
	return strings.ReplaceAll(types.TypeString(t, func(p *types.Package) string {
		if p == c.user {
			return ""
		}
		return p.Name()
	}), " ", "")
}
