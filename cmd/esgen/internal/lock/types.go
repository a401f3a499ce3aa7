package lock

import (
	"fmt"
	"go/types"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// basics are the types that need no more than a name.
var basics = map[string]shape.Type{
	"bool":    {Kind: shape.Bool},
	"int8":    {Kind: shape.Int, Bits: 8},
	"int16":   {Kind: shape.Int, Bits: 16},
	"int32":   {Kind: shape.Int, Bits: 32},
	"int64":   {Kind: shape.Int, Bits: 64},
	"uint8":   {Kind: shape.Uint, Bits: 8},
	"uint16":  {Kind: shape.Uint, Bits: 16},
	"uint32":  {Kind: shape.Uint, Bits: 32},
	"uint64":  {Kind: shape.Uint, Bits: 64},
	"float32": {Kind: shape.Float, Bits: 32},
	"float64": {Kind: shape.Float, Bits: 64},
	"string":  {Kind: shape.String},
	"bytes":   {Kind: shape.Bytes},
	"time":    {Kind: shape.Time},
	"uuid":    {Kind: shape.UUID},
	"raw":     {Kind: shape.Raw},
	"number":  {Kind: shape.Number},
}

// Basic returns the name of a type that needs no more.
func Basic(t *shape.Type) string {
	switch t.Kind {
	case shape.Int, shape.Uint, shape.Float:
		return t.Kind.String() + strconv.Itoa(t.Bits)
	}
	return t.Kind.String()
}

// table reads type expressions. Named types are made when they are first mentioned.
type table map[string]*entry

type entry struct {
	t   *shape.Type
	def *node // nil if the table has none of the name
}

// parse returns the type that an expression at some place says.
func (tab table) parse(expr string, at int) (*shape.Type, error) {
	if t, ok := basics[expr]; ok {
		return &t, nil
	}
	if e := tab[expr]; e != nil {
		return e.t, nil
	}
	elem := func(kind shape.Kind, rest string) (*shape.Type, error) {
		t, err := tab.parse(rest, at)
		return &shape.Type{Kind: kind, Elem: t}, err
	}
	if rest, ok := strings.CutPrefix(expr, "*"); ok {
		return elem(shape.Pointer, rest)
	}
	if rest, ok := strings.CutPrefix(expr, "[]"); ok {
		return elem(shape.Slice, rest)
	}
	if rest, ok := strings.CutPrefix(expr, "map["); ok {
		if end := closing(rest); end >= 0 {
			key, err := tab.parse(rest[:end], at)
			if err != nil {
				return nil, err
			}
			t, err := elem(shape.Map, rest[end+1:])
			t.Key = key
			return t, err
		}
	}
	if rest, ok := strings.CutPrefix(expr, "["); ok {
		if length, rest, ok := strings.Cut(rest, "]"); ok {
			if n, err := strconv.ParseInt(length, 10, 64); err == nil && n >= 0 {
				t, err := elem(shape.Array, rest)
				t.Len = n
				return t, err
			}
		}
	}
	return nil, failf(at, "type %q is neither known nor in the table of types: restore the file, git has it", expr)
}

// closing returns where the bracket closes that is open before s, -1 if it doesn't.
func closing(s string) int {
	depth := 1
	for i, c := range []byte(s) {
		switch c {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// namer gives the types of a shape their names in the table.
type namer struct {
	names map[*shape.Type]string
	same  map[string]string // the names of Go types, which a shape may have twice: as values and as keys
	used  map[string]bool
	order []*shape.Type // those in the table
}

func newNamer() *namer {
	return &namer{names: map[*shape.Type]string{}, same: map[string]string{}, used: map[string]bool{}}
}

// needsName reports whether the type is described in the table, and not where it occurs.
func needsName(t *shape.Type) bool {
	switch t.Kind {
	case shape.Struct, shape.Marshaler, shape.Text:
		return true
	case shape.Slice, shape.Array, shape.Map, shape.Pointer:
		return t.Name != "" && within(t, t)
	}
	return len(t.Enum) > 0
}

// within reports whether a value of type outer can hold one of type t.
func within(t, outer *shape.Type) bool {
	for s := range outer.All() {
		if s.Elem == t {
			return true
		}
		for _, f := range s.Fields {
			if f.Type == t {
				return true
			}
		}
	}
	return false
}

// visit names t and all types within it. hint is for structs without a name.
func (n *namer) visit(t *shape.Type, hint string) {
	if t == nil || n.names[t] != "" {
		return
	}
	if needsName(t) {
		identity := ""
		if t.Go != nil {
			identity = t.Kind.String() + " " + types.TypeString(t.Go, nil)
		}
		if name := n.same[identity]; name != "" {
			n.names[t] = name
			return
		}
		base := t.Name
		if base == "" {
			base = hint
		}
		name := base
		for i := 2; n.used[name] || basics[name].Kind != shape.Invalid; i++ {
			name = fmt.Sprintf("%s#%d", base, i)
		}
		n.names[t], n.used[name] = name, true
		if identity != "" {
			n.same[identity] = name
		}
		n.order = append(n.order, t)
		hint = name
	}
	n.visit(t.Key, hint)
	n.visit(t.Elem, hint)
	n.visitFields(t, hint)
}

func (n *namer) visitFields(t *shape.Type, hint string) {
	for _, f := range sorted(t.Fields) {
		n.visit(f.Type, hint+"."+f.Go)
	}
	for _, f := range sorted(t.Reserved) {
		n.visit(f.Type, hint+"."+f.Go)
	}
}

// expr writes the type as an expression.
func (n *namer) expr(t *shape.Type) string {
	if name := n.names[t]; name != "" {
		return name
	}
	return n.inner(t)
}

// inner writes the type as an expression, whether or not it has a name.
func (n *namer) inner(t *shape.Type) string {
	switch t.Kind {
	case shape.Pointer:
		return "*" + n.expr(t.Elem)
	case shape.Slice:
		return "[]" + n.expr(t.Elem)
	case shape.Array:
		return "[" + strconv.FormatInt(t.Len, 10) + "]" + n.expr(t.Elem)
	case shape.Map:
		return "map[" + n.expr(t.Key) + "]" + n.expr(t.Elem)
	}
	return Basic(t)
}
