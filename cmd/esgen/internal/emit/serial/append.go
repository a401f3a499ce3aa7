package serial

import (
	"go/types"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// place is an addressable expression.
type place struct {
	val     *jen.Statement
	addr    *jen.Statement // its address
	base    *jen.Statement // its value or address, as the operand of a selector
	operand *jen.Statement // its value, as the operand of an index
}

func at(val *jen.Statement) place { return place{val, jen.Op("&").Add(val), val, val} }

// behind is what the pointer expression p points to.
func behind(p *jen.Statement) place {
	val := jen.Op("*").Add(p)
	return place{val, p, p, jen.Parens(val)}
}

func (p place) field(name string) place { return at(jen.Add(p.base).Dot(name)) }

// block collects statements.
type block struct{ stmts []jen.Code }

// stmt begins a statement.
func (b *block) stmt() *jen.Statement {
	s := &jen.Statement{}
	b.stmts = append(b.stmts, s)
	return s
}

// appender writes the body of one appending function.
type appender struct {
	gen    *Generator
	fn     *function
	text   string // constant text that is yet to be appended
	depth  int    // of nested loops, for the names of variables
	notNil bool   // the value that comes next
	nest   int    // of JSON arrays and objects around, within the function
}

// wrap adds steps to the path of an error.
type wrap func(err *jen.Statement) *jen.Statement

func noWrap(err *jen.Statement) *jen.Statement { return err }

func codec(name string) *jen.Statement { return jen.Qual(codecPath, name) }

func (w wrap) field(name string) wrap {
	return func(err *jen.Statement) *jen.Statement {
		return w(codec("InField").Call(err, jen.Lit(name)))
	}
}

func (w wrap) index(i *jen.Statement) wrap {
	return func(err *jen.Statement) *jen.Statement { return w(codec("InIndex").Call(err, i)) }
}

func (w wrap) name(n *jen.Statement) wrap {
	return func(err *jen.Statement) *jen.Statement { return w(codec("InName").Call(err, n)) }
}

func (g *Generator) emitAppend(f *jen.File, fn *function) {
	t := fn.t
	what := g.describe(t)
	signature := func(name string, extra ...jen.Code) *jen.Statement {
		params := append([]jen.Code{g.local("dst").Index().Byte(), g.local("v").Op("*").Add(typeCode(t.Go))}, extra...)
		return jen.Func().Id(name).Params(params...).Params(jen.Index().Byte(), jen.Error())
	}
	f.Commentf("%s appends %s as JSON.", fn.appendName(), what)
	if t.Kind == shape.Marshaler {
		f.Add(signature(fn.appendName()).Block(jen.Return(codec("AppendMarshaler").Call(g.local("dst"), g.local("v")))))
		f.Line()
		return
	}
	name := fn.appendName()
	var extra []jen.Code
	if fn.recursive {
		f.Add(signature(name).Block(jen.Return(jen.Id(fn.nestName()).Call(g.local("dst"), g.local("v"), jen.Lit(1)))))
		f.Line()
		name = fn.nestName()
		f.Commentf("%s is %s at a depth of nesting, which values that contain themselves would exceed.", name, fn.appendName())
		extra = append(extra, g.local("depth").Int())
	}
	a := &appender{gen: g, fn: fn}
	var body []jen.Code
	if fn.recursive {
		body = append(body, jen.If(g.local("depth").Op(">").Add(codec("MaxRecursion"))).Block(jen.Return(g.local("dst"), codec("ErrDepth"))))
	}
	var stmts []jen.Code
	v := behind(g.local("v"))
	if t.Kind == shape.Struct {
		stmts = a.object(t, v)
	} else {
		stmts = a.block(func(g *block) { a.value(g, t, v, noWrap) })
	}
	if a.fallible(t) {
		body = append(body, jen.Var().Err().Error())
	}
	body = append(body, stmts...)
	body = append(body, jen.Return(g.local("dst"), jen.Nil()))
	f.Add(signature(name, extra...).Block(body...))
	f.Line()
}

// fallible reports whether the function of t uses a variable err.
func (a *appender) fallible(t *shape.Type) bool {
	switch t.Kind {
	case shape.Bool, shape.Int, shape.Uint, shape.Bytes, shape.UUID:
		return false
	case shape.Slice, shape.Array, shape.Pointer:
		return a.canFail(t.Elem)
	case shape.Map:
		switch t.Key.Kind {
		case shape.Int, shape.Uint, shape.UUID:
			return a.canFail(t.Elem)
		case shape.Text, shape.Time:
			return false // has a variable of its own
		}
		return true
	case shape.Struct:
		for _, f := range t.Fields {
			if a.canFail(f.Type) {
				return true
			}
		}
		return false
	}
	return true
}

func (a *appender) canFail(t *shape.Type) bool {
	if a.gen.hasFunction(t) {
		return true
	}
	return a.fallible(t)
}

// block collects statements, with all constant text appended at the end.
func (a *appender) block(body func(g *block)) []jen.Code {
	g := &block{}
	body(g)
	a.flush(g)
	return g.stmts
}

// lit appends constant text, together with what is constant around it.
func (a *appender) lit(text string) { a.text += text }

func (a *appender) flush(g *block) {
	switch {
	case a.text == "":
	case len(a.text) == 1:
		g.stmt().Add(a.gen.local("dst")).Op("=").Append(a.gen.local("dst"), jen.LitRune(rune(a.text[0])))
	default:
		g.stmt().Add(a.gen.local("dst")).Op("=").Append(a.gen.local("dst"), jen.Op(tagLiteral(a.text)).Op("..."))
	}
	a.text = ""
}

// try writes a call that can fail.
func (a *appender) try(g *block, w wrap, call *jen.Statement) {
	a.flush(g)
	g.stmt().If(jen.List(a.gen.local("dst"), jen.Err()).Op("=").Add(call), jen.Err().Op("!=").Nil()).Block(
		jen.Return(a.gen.local("dst"), w(jen.Err())),
	)
}

// set writes a call that can't fail.
func (a *appender) set(g *block, call *jen.Statement) {
	a.flush(g)
	g.stmt().Add(a.gen.local("dst")).Op("=").Add(call)
}

// object writes the members of a struct.
func (a *appender) object(t *shape.Type, v place) []jen.Code {
	a.nest++
	defer func() { a.nest-- }()
	if len(t.Fields) == 0 {
		return []jen.Code{jen.Add(a.gen.local("dst")).Op("=").Append(a.gen.local("dst"), jen.Lit("{}").Op("..."))}
	}
	always := func(f *shape.Field) bool {
		if f.Omits() {
			return false
		}
		for _, s := range f.Steps {
			if s.Ptr != nil {
				return false
			}
		}
		return true
	}
	first := always(t.Fields[0])
	return a.block(func(g *block) {
		if !first {
			g.stmt().Add(a.gen.local("start")).Op(":=").Len(a.gen.local("dst"))
		}
		sure := false
		for i, f := range t.Fields {
			sure = sure || always(f)
			prefix := `,"` + f.Name + `":`
			if i == 0 && first {
				prefix = `{"` + f.Name + `":`
			}
			if always(f) {
				a.lit(prefix)
				a.field(g, f, v)
				continue
			}
			a.flush(g)
			g.stmt().If(a.present(f, v)).Block(a.block(func(g *block) {
				a.lit(prefix)
				a.notNil = notNil(f)
				a.field(g, f, v)
			})...)
		}
		if first {
			a.lit("}")
			return
		}
		a.flush(g)
		if !sure {
			g.stmt().If(jen.Len(a.gen.local("dst")).Op("==").Id("start")).Block(jen.Return(jen.Append(a.gen.local("dst"), jen.Lit("{}").Op("...")), jen.Nil()))
		}
		g.stmt().Add(a.gen.local("dst")).Index(a.gen.local("start")).Op("=").LitRune('{').Comment("in place of the first comma")
		a.lit("}")
	})
}

func (a *appender) field(g *block, f *shape.Field, v place) {
	for _, s := range f.Steps {
		v = v.field(s.Name)
		if s.Ptr != nil {
			v = behind(v.val)
		}
	}
	v = v.field(f.Go)
	w := wrap(noWrap).field(f.Name)
	if f.Quoted {
		a.quoted(g, f.Type, v, w)
		return
	}
	a.value(g, f.Type, v, w)
}

// present writes the condition under which a field isn't left out.
func (a *appender) present(f *shape.Field, v place) *jen.Statement {
	var terms []*jen.Statement
	for _, s := range f.Steps {
		v = v.field(s.Name)
		if s.Ptr != nil {
			terms = append(terms, jen.Add(v.val).Op("!=").Nil())
			v = behind(v.val)
		}
	}
	v = v.field(f.Go)
	if f.OmitEmpty && shape.HasEmpty(f.Type.Go) {
		terms = append(terms, notEmpty(f.Type.Go, v.val))
	}
	if f.OmitZero {
		terms = append(terms, notZero(f.Type.Go, v.val))
	}
	out := terms[0]
	for _, term := range terms[1:] {
		out = jen.Add(out).Op("&&").Add(term)
	}
	return out
}

// notEmpty is omitempty's condition.
func notEmpty(t types.Type, x *jen.Statement) *jen.Statement {
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map, *types.Array:
		return jen.Len(x).Op("!=").Lit(0)
	}
	return notZeroValue(t, x)
}

// notZero is omitzero's condition.
func notZero(t types.Type, x *jen.Statement) *jen.Statement {
	if shape.IsZeroer(t) != 0 {
		isZero := jen.Op("!").Add(x).Dot("IsZero").Call()
		if _, ok := t.Underlying().(*types.Pointer); ok {
			return jen.Add(x).Op("!=").Nil().Op("&&").Add(isZero)
		}
		return isZero
	}
	return notZeroValue(t, x)
}

func notZeroValue(t types.Type, x *jen.Statement) *jen.Statement {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsBoolean != 0:
			return jen.Add(x)
		case u.Info()&types.IsString != 0:
			return jen.Add(x).Op("!=").Lit("")
		}
		return jen.Add(x).Op("!=").Lit(0)
	case *types.Slice, *types.Map, *types.Pointer:
		return jen.Add(x).Op("!=").Nil()
	case *types.Struct:
		if types.Comparable(t) || u.NumFields() == 0 {
			break
		}
		var out *jen.Statement
		for f := range u.Fields() {
			term := notZeroValue(f.Type(), jen.Add(x).Dot(f.Name()))
			if out == nil {
				out = term
			} else {
				out = jen.Add(out).Op("||").Add(term)
			}
		}
		return jen.Parens(out)
	}
	return jen.Add(x).Op("!=").Parens(typeCode(t).Values())
}

// quoted writes a value under the tag ",string".
func (a *appender) quoted(g *block, t *shape.Type, v place, w wrap) {
	switch t.Kind {
	case shape.Pointer:
		a.nullable(g, v.val, func(g *block) { a.quoted(g, t.Elem, behind(v.val), w) })
	case shape.String:
		a.try(g, w, codec("AppendQuotedString").Call(a.gen.local("dst"), convert(v.val, t.Go, types.String)))
	default:
		a.lit(`"`)
		a.value(g, t, v, w)
		a.lit(`"`)
	}
}

// notNil reports whether a field that is present isn't nil.
func notNil(f *shape.Field) bool {
	switch f.Type.Kind {
	case shape.Pointer, shape.Slice, shape.Map:
		return f.OmitEmpty || f.OmitZero && shape.IsZeroer(f.Type.Go) == 0
	}
	return false
}

// nullable writes null for nil, else what body writes.
func (a *appender) nullable(g *block, x *jen.Statement, body func(g *block)) {
	if a.notNil {
		a.notNil = false
		body(g)
		return
	}
	a.flush(g)
	null := a.block(func(*block) { a.lit("null") })
	g.stmt().If(jen.Add(x).Op("==").Nil()).Block(null...).Else().Block(a.block(body)...)
}

// value writes a value of any shape.
func (a *appender) value(g *block, t *shape.Type, v place, w wrap) {
	dst := a.gen.local("dst")
	if a.gen.hasFunction(t) && (t != a.fn.t || t.Kind == shape.Struct || a.nest > 0) {
		fn := a.gen.function(t, "")
		if fn.recursive && a.fn.recursive {
			a.try(g, w, jen.Id(fn.nestName()).Call(dst, v.addr, a.gen.local("depth").Op("+").Lit(a.nest)))
			return
		}
		a.try(g, w, jen.Id(fn.appendName()).Call(dst, v.addr))
		return
	}
	switch t.Kind {
	case shape.Bool:
		a.set(g, jen.Qual("strconv", "AppendBool").Call(dst, convert(v.val, t.Go, types.Bool)))
	case shape.Int:
		a.set(g, codec("AppendInt").Call(dst, convert(v.val, t.Go, types.Int64)))
	case shape.Uint:
		a.set(g, codec("AppendUint").Call(dst, convert(v.val, t.Go, types.Uint64)))
	case shape.Float:
		kind, name := types.Float64, "AppendFloat64"
		if t.Bits == 32 {
			kind, name = types.Float32, "AppendFloat32"
		}
		a.try(g, w, codec(name).Call(dst, convert(v.val, t.Go, kind)))
	case shape.String:
		a.lit(`"`)
		a.try(g, w, codec("AppendChars").Call(dst, convert(v.val, t.Go, types.String)))
		a.lit(`"`)
	case shape.Bytes:
		a.set(g, codec("AppendBytes").Call(dst, v.val))
	case shape.Time:
		a.try(g, w, codec("AppendTime").Call(dst, v.val))
	case shape.UUID:
		a.set(g, codec("AppendUUID").Call(dst, v.val))
	case shape.Raw:
		a.try(g, w, codec("AppendRaw").Call(dst, v.val))
	case shape.Number:
		a.try(g, w, codec("AppendNumber").Call(dst, v.val))
	case shape.Marshaler:
		a.marshaler(g, t, v, w, "AppendMarshaler")
	case shape.Text:
		a.marshaler(g, t, v, w, "AppendText")
	case shape.Pointer:
		a.nullable(g, v.val, func(g *block) { a.value(g, t.Elem, behind(v.val), w) })
	case shape.Slice:
		a.nullable(g, v.val, func(g *block) { a.elements(g, t, v, w) })
	case shape.Array:
		a.elements(g, t, v, w)
	case shape.Map:
		a.nullable(g, v.val, func(g *block) { a.members(g, t, v, w) })
	}
}

// marshaler writes a type that marshals itself. Nil slices and maps among them
// have their methods called, as encoding/json does.
func (a *appender) marshaler(g *block, t *shape.Type, v place, w wrap, name string) {
	a.try(g, w, codec(name).Call(a.gen.local("dst"), v.addr))
}

func (a *appender) variable(name string) string {
	if a.depth > 1 {
		return name + strconv.Itoa(a.depth)
	}
	return name
}

func (a *appender) elements(g *block, t *shape.Type, v place, w wrap) {
	a.depth++
	a.nest++
	i := a.gen.local(a.variable("i"))
	a.lit("[")
	a.flush(g)
	g.stmt().For(jen.Add(i).Op(":=").Range().Add(v.val)).Block(a.block(func(g *block) {
		g.stmt().If(jen.Add(i).Op(">").Lit(0)).Block(jen.Add(a.gen.local("dst")).Op("=").Append(a.gen.local("dst"), jen.LitRune(',')))
		a.value(g, t.Elem, at(jen.Add(v.operand).Index(i)), w.index(i))
	})...)
	a.lit("]")
	a.nest--
	a.depth--
}

func (a *appender) members(g *block, t *shape.Type, v place, w wrap) {
	a.depth++
	a.nest++
	i, key, keys, elem := a.gen.local(a.variable("i")), a.gen.local(a.variable("key")), a.gen.local(a.variable("keys")), a.gen.local(a.variable("elem"))
	dst := a.gen.local("dst")
	sorted := jen.Add(keys).Dot("Sorted")
	pooled := true
	var name, mapKey *jen.Statement
	switch t.Key.Kind {
	case shape.String:
		g.stmt().Add(keys).Op(":=").Add(codec("StringKeys")).Call(v.val)
		name, mapKey = key, convertTo(key, types.String, t.Key.Go)
	case shape.Int:
		g.stmt().Add(keys).Op(":=").Add(codec("IntKeys")).Call(v.val)
		name, mapKey = jen.Qual("strconv", "FormatInt").Call(key, jen.Lit(10)), convertTo(key, types.Int64, t.Key.Go)
	case shape.Uint:
		g.stmt().Add(keys).Op(":=").Add(codec("UintKeys")).Call(v.val)
		name, mapKey = jen.Qual("strconv", "FormatUint").Call(key, jen.Lit(10)), convertTo(key, types.Uint64, t.Key.Go)
	case shape.UUID:
		g.stmt().Add(keys).Op(":=").Add(codec("UUIDKeys")).Call(v.val)
		name, mapKey = jen.Add(key).Dot("String").Call(), key
	default:
		text := jen.Parens(jen.Op("*").Add(typeCode(t.Key.Go))).Dot("MarshalText")
		if t.Key.Kind == shape.Time {
			text = codec("TimeText")
		}
		g.stmt().List(keys, jen.Err()).Op(":=").Add(codec("TextKeys")).Call(v.val, text)
		g.stmt().If(jen.Err().Op("!=").Nil()).Block(jen.Return(dst, w(jen.Err())))
		name, mapKey = jen.Add(key).Dot("Text"), jen.Add(key).Dot("Key")
		sorted, pooled = keys, false
	}
	a.lit("{")
	a.flush(g)
	g.stmt().For(jen.List(i, key).Op(":=").Range().Add(sorted)).Block(a.block(func(g *block) {
		g.stmt().If(jen.Add(i).Op(">").Lit(0)).Block(jen.Add(a.gen.local("dst")).Op("=").Append(a.gen.local("dst"), jen.LitRune(',')))
		inner := w.name(name)
		switch t.Key.Kind {
		case shape.Int:
			a.lit(`"`)
			a.set(g, codec("AppendInt").Call(dst, key))
			a.lit(`":`)
		case shape.Uint:
			a.lit(`"`)
			a.set(g, codec("AppendUint").Call(dst, key))
			a.lit(`":`)
		case shape.UUID:
			a.set(g, codec("AppendUUID").Call(dst, key))
			a.lit(`:`)
		default:
			a.lit(`"`)
			a.try(g, inner, codec("AppendChars").Call(dst, name))
			a.lit(`":`)
		}
		a.flush(g)
		g.stmt().Add(elem).Op(":=").Add(v.operand).Index(mapKey)
		a.value(g, t.Elem, at(elem), inner)
	})...)
	if pooled {
		g.stmt().Add(keys).Dot("Release").Call()
	}
	a.lit("}")
	a.nest--
	a.depth--
}
