package serial

import (
	"fmt"
	"go/types"
	"slices"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// describe names a type in a comment.
func (g *Generator) describe(t *shape.Type) string {
	name := types.TypeString(t.Go, types.RelativeTo(g.pkg))
	if _, ok := t.Go.(*types.Struct); ok {
		name = "a nested struct"
	}
	if len(name) > 60 {
		name = "a value"
	}
	if t.Mode == shape.State {
		name += "'s state"
	}
	if t.View != "" {
		name += " as an older version stored it"
	}
	return name
}

// emitDecode writes the function for a whole text.
func (g *Generator) emitDecode(f *jen.File, fn *function) {
	t := fn.t
	f.Commentf("%s decodes %s from one JSON text.", fn.decodeName(), g.describe(t))
	b := &block{}
	if t.Mode == shape.Event {
		b.stmt().Op("*").Add(g.local("v")).Op("=").Add(typeCode(t.Go)).Values()
	} else {
		for _, f := range t.Fields {
			if !f.Required() {
				b.stmt().Add(g.local("v")).Dot(f.Go).Op("=").Nil()
			}
		}
	}
	b.stmt().Add(g.local("d")).Op(":=").Add(codec("NewDecoder")).Call(g.local("data"))
	b.stmt().Id(fn.readName()).Call(jen.Op("&").Add(g.local("d")), g.local("v"))
	b.stmt().Return(g.local("d").Dot("End").Call())
	f.Func().Id(fn.decodeName()).Params(g.local("data").Index().Byte(), g.local("v").Op("*").Add(typeCode(t.Go))).Error().Block(b.stmts...)
	f.Line()
}

// reader writes the body of one decoding function.
type reader struct {
	gen   *Generator
	fn    *function
	depth int // of nested loops, for the names of variables
	inner bool
	known bool // the value that comes next is not null
}

// emitRead writes the function for a value within a text.
func (g *Generator) emitRead(f *jen.File, fn *function) {
	t := fn.t
	r := &reader{gen: g, fn: fn}
	b := &block{}
	v := behind(g.local("v"))
	if t.Kind == shape.Struct {
		r.object(b, t, v)
	} else {
		r.value(b, t, v)
	}
	if t.Kind == shape.Struct {
		g.emitFields(f, fn)
	}
	f.Commentf("%s reads %s.", fn.readName(), g.describe(t))
	f.Func().Id(fn.readName()).Params(g.local("d").Op("*").Add(codec("Decoder")), g.local("v").Op("*").Add(typeCode(t.Go))).Block(b.stmts...)
	f.Line()
}

func (g *Generator) seenVar(word int) *jen.Statement {
	if word == 0 {
		return g.local("seen")
	}
	return g.local("seen" + strconv.Itoa(word+1))
}

func mask(bits uint64) *jen.Statement { return jen.Op(fmt.Sprintf("%#x", bits)) }

// emitFields writes the table of the names by which a struct's fields are read.
func (g *Generator) emitFields(f *jen.File, fn *function) {
	names, _ := table(fn.t)
	f.Var().Id(fn.fieldsName()).Op("=").Add(codec("NewFields")).Call(names...)
	f.Line()
}

// table returns the names of all fields that are stored, in their order, and then their former names; with the
// places that each field has among them.
func table(t *shape.Type) (names []jen.Code, places [][]jen.Code) {
	places = make([][]jen.Code, len(t.Fields))
	add := func(field int, name string) {
		places[field] = append(places[field], jen.Lit(len(names)))
		names = append(names, jen.Lit(name))
	}
	for i, f := range t.Fields {
		if f.Name != "" {
			add(i, f.Name)
		}
	}
	for i, f := range t.Fields {
		if f.Name != "" {
			for _, was := range formerNames(t, f) {
				add(i, was)
			}
		}
	}
	return names, places
}

// object reads the members of a struct.
func (r *reader) object(b *block, t *shape.Type, v place) {
	stored := 0 // fields; a view has others, which keep their defaults
	for _, f := range t.Fields {
		if f.Name != "" {
			stored++
		}
	}
	words := (stored + 63) / 64
	required := make([]uint64, words)
	missing := make([][]jen.Code, words)
	for i := range words {
		b.stmt().Var().Add(r.gen.seenVar(i)).Uint64()
	}
	_, places := table(t)
	d, field, fields := r.gen.local("d"), r.gen.local("field"), jen.Id(r.fn.fieldsName())
	body := &block{}
	for i, f := range t.Fields {
		if f.Default != nil {
			b.stmt().Add(r.target(f, v).val).Op("=").Add(defaultValue(f))
		}
		if f.Name == "" {
			continue
		}
		index := len(body.stmts)
		word, bit := index/64, uint64(1)<<(index%64)
		if f.Required() {
			required[word] |= bit
			missing[word] = append(missing[word], jen.Lit(f.Name))
		}
		c := &block{}
		c.stmt().Add(r.gen.seenVar(word)).Op("=").Add(d).Dot("Once").Call(r.gen.seenVar(word), mask(bit))
		r.field(c, f, v)
		is := jen.Add(d).Dot("Field").Call(field, jen.Lit(index), jen.Op(tagLiteral(`,"`+f.Name+`":`)))
		for _, former := range places[i][1:] {
			is.Op("||").Add(field).Op("==").Add(former)
		}
		body.stmt().If(is).Block(c.stmts...)
	}
	b.stmt().For(
		jen.Add(field).Op(":=").Add(d).Dot("Struct").Call(fields),
		jen.Add(field).Op(">=").Lit(0),
		jen.Add(field).Op("=").Add(d).Dot("Search").Call(fields, field),
	).Block(body.stmts...)
	for i := range words {
		if required[i] != 0 {
			args := append([]jen.Code{r.gen.seenVar(i), mask(required[i])}, missing[i]...)
			b.stmt().If(r.gen.seenVar(i).Op("&").Add(mask(required[i])).Op("!=").Add(mask(required[i]))).Block(
				r.gen.local("d").Dot("Missing").Call(args...),
			)
		}
	}
}

// formerNames returns the names that a field had before, and that no other field has now. An object that
// has it by two names has the field twice.
func formerNames(t *shape.Type, f *shape.Field) []string {
	var names []string
	for _, was := range f.Was {
		if !slices.ContainsFunc(t.Fields, func(f *shape.Field) bool { return f.Name == was }) {
			names = append(names, was)
		}
	}
	return names
}

// members is the loop over an object.
func (g *Generator) members(name string) *jen.Statement {
	ok := "ok" + name[len("name"):]
	return jen.For(
		jen.List(g.local(name), g.local(ok)).Op(":=").Add(g.local("d")).Dot("Object").Call(),
		g.local(ok),
		jen.List(g.local(name), g.local(ok)).Op("=").Add(g.local("d")).Dot("Next").Call(),
	)
}

// elements is the loop over an array.
func (g *Generator) elements(more string) *jen.Statement {
	return jen.For(
		g.local(more).Op(":=").Add(g.local("d")).Dot("Array").Call(),
		g.local(more),
		g.local(more).Op("=").Add(g.local("d")).Dot("More").Call(),
	)
}

func (r *reader) target(f *shape.Field, v place) place {
	for _, s := range f.Steps {
		v = v.field(s.Name)
		if s.Ptr != nil {
			v = behind(v.val)
		}
	}
	return v.field(f.Go)
}

func (r *reader) field(b *block, f *shape.Field, v place) {
	for _, s := range f.Steps {
		v = v.field(s.Name)
		if s.Ptr != nil {
			b.stmt().If(jen.Add(v.val).Op("==").Nil()).Block(jen.Add(v.val).Op("=").New(typeCode(s.Ptr)))
			v = behind(v.val)
		}
	}
	v = v.field(f.Go)
	if f.Required() || takesNull(f.Type) {
		r.fieldValue(b, f, v)
		return
	}
	c := &block{}
	r.fieldValue(c, f, v)
	b.stmt().If(jen.Op("!").Add(r.gen.local("d")).Dot("Null").Call()).Block(c.stmts...)
}

func (r *reader) fieldValue(b *block, f *shape.Field, v place) {
	if f.Quoted {
		r.quoted(b, f.Type, v)
		return
	}
	r.value(b, f.Type, v)
}

// takesNull reports whether reading a value of t handles null.
func takesNull(t *shape.Type) bool {
	switch t.Kind {
	case shape.Pointer, shape.Slice, shape.Map, shape.Bytes, shape.Raw, shape.Marshaler:
		return true
	}
	return false
}

func defaultValue(f *shape.Field) *jen.Statement {
	switch f.Type.Kind {
	case shape.String:
		return jen.Lit(*f.Default)
	case shape.Float:
		n, _ := strconv.ParseFloat(*f.Default, f.Type.Bits)
		return jen.Op(strconv.FormatFloat(n, 'g', -1, f.Type.Bits))
	case shape.Int:
		n, _ := strconv.ParseInt(*f.Default, 10, 64)
		return jen.Op(strconv.FormatInt(n, 10))
	case shape.Uint:
		n, _ := strconv.ParseUint(*f.Default, 10, 64)
		return jen.Op(strconv.FormatUint(n, 10))
	}
	return jen.Op(*f.Default)
}

// quoted reads a value under the tag ",string".
func (r *reader) quoted(b *block, t *shape.Type, v place) {
	switch t.Kind {
	case shape.Pointer:
		r.pointer(b, t, v, false, func(b *block, v place) { r.quoted(b, t.Elem, v) })
	case shape.String:
		b.stmt().Add(v.val).Op("=").Add(convertTo(r.gen.local("d").Dot("QuotedString").Call(), types.String, t.Go))
	default:
		b.stmt().Add(r.gen.local("d")).Dot("Quote").Call(jen.True())
		r.value(b, t, v)
		b.stmt().Add(r.gen.local("d")).Dot("Quote").Call(jen.False())
	}
}

// pointer reads null, or what is behind the pointer.
func (r *reader) pointer(b *block, t *shape.Type, v place, known bool, elem func(b *block, v place)) {
	r.depth++
	p := r.gen.local(r.variable("p"))
	c := &block{}
	c.stmt().Add(p).Op(":=").Add(codec("New")).Types(typeCode(t.Elem.Go)).Call(r.gen.local("d"))
	r.known = true
	elem(c, behind(p))
	r.known = false
	c.stmt().Add(v.val).Op("=").Add(p)
	r.nullable(b, v, known, c)
	r.depth--
}

// nullable reads null, or what otherwise does; only that where known says that null
// has been ruled out.
func (r *reader) nullable(b *block, v place, known bool, otherwise *block) {
	if known {
		b.stmts = append(b.stmts, otherwise.stmts...)
		return
	}
	b.stmt().If(r.gen.local("d").Dot("Null").Call()).Block(jen.Add(v.val).Op("=").Nil()).Else().Block(otherwise.stmts...)
}

func (r *reader) variable(name string) string {
	if r.depth > 1 {
		return name + strconv.Itoa(r.depth)
	}
	return name
}

// expression returns the call that gives a value of t, nil if it takes more than one.
func (r *reader) expression(t *shape.Type) *jen.Statement {
	d := func(method string) *jen.Statement { return jen.Add(r.gen.local("d")).Dot(method).Call() }
	switch t.Kind {
	case shape.Bool, shape.Int, shape.Uint, shape.Float, shape.String:
		kind := t.Go.Underlying().(*types.Basic).Kind()
		return convertTo(d(title(types.Typ[kind].Name())), kind, t.Go)
	case shape.Number:
		return convertTo(d("Number"), types.String, t.Go)
	case shape.Bytes:
		elem := t.Go.Underlying().(*types.Slice).Elem()
		return codec("Bytes").Types(typeCode(elem)).Call(r.gen.local("d"))
	case shape.Time:
		return d("Time")
	case shape.Raw:
		return d("Raw")
	}
	return nil
}

// value reads a value of any shape.
func (r *reader) value(b *block, t *shape.Type, v place) {
	if r.gen.hasFunction(t) && (t != r.fn.t || t.Kind == shape.Struct || r.inner) {
		r.known = false
		b.stmt().Id(r.gen.function(t, "").readName()).Call(r.gen.local("d"), v.addr)
		return
	}
	r.inner = true
	known := r.known
	r.known = false
	if x := r.expression(t); x != nil {
		b.stmt().Add(v.val).Op("=").Add(x)
		return
	}
	d := func(method string) *jen.Statement { return r.gen.local("d").Dot(method) }
	switch t.Kind {
	case shape.UUID:
		b.stmt().Add(d("UUID").Call(v.addr))
	case shape.Marshaler:
		b.stmt().Add(d("Unmarshal").Call(v.addr))
	case shape.Text:
		b.stmt().Add(d("Text").Call(v.addr))
	case shape.Pointer:
		r.pointer(b, t, v, known, func(b *block, v place) { r.value(b, t.Elem, v) })
	case shape.Slice:
		r.slice(b, t, v, known)
	case shape.Array:
		r.array(b, t, v)
	case shape.Map:
		r.mapping(b, t, v, known)
	}
}

func (r *reader) slice(b *block, t *shape.Type, v place, known bool) {
	r.depth++
	items, elem := r.gen.local(r.variable("items")), r.gen.local(r.variable("item"))
	loop := &block{}
	if t.Elem.Kind == shape.Struct {
		loop.stmt().Add(items).Op("=").Add(codec("Extend")).Call(items)
		last := jen.Add(items).Index(jen.Len(items).Op("-").Lit(1))
		r.value(loop, t.Elem, at(last))
	} else if x := r.expression(t.Elem); x != nil {
		loop.stmt().Add(items).Op("=").Append(items, x)
	} else {
		loop.stmt().Var().Add(elem).Add(typeCode(t.Elem.Go))
		r.value(loop, t.Elem, at(elem))
		loop.stmt().Add(items).Op("=").Append(items, elem)
	}
	c := &block{}
	open := jen.Lit(0)
	if t.Elem.Kind == shape.Struct {
		open = jen.LitRune('{')
	}
	c.stmt().Add(items).Op(":=").Add(codec("List")).Types(typeCode(t.Elem.Go)).Call(r.gen.local("d"), open)
	c.stmt().Add(r.gen.elements(r.variable("more"))).Block(loop.stmts...)
	c.stmt().Add(v.val).Op("=").Add(codec("Listed")).Call(r.gen.local("d"), items)
	r.nullable(b, v, known, c)
	r.depth--
}

func (r *reader) array(b *block, t *shape.Type, v place) {
	r.depth++
	n := r.gen.local(r.variable("n"))
	b.stmt().Add(n).Op(":=").Lit(0)
	loop := &block{}
	elem := &block{}
	r.value(elem, t.Elem, at(jen.Add(v.operand).Index(n)))
	loop.stmt().If(jen.Add(n).Op("<").Len(v.val)).Block(elem.stmts...).Else().Block(r.gen.local("d").Dot("Skip").Call())
	loop.stmt().Add(n).Op("++")
	if t.Len == 0 {
		loop = &block{}
		loop.stmt().Add(r.gen.local("d")).Dot("Skip").Call()
		loop.stmt().Add(n).Op("++")
	}
	b.stmt().Add(r.gen.elements(r.variable("more"))).Block(loop.stmts...)
	b.stmt().Add(r.gen.local("d")).Dot("Length").Call(n, jen.Lit(int(t.Len)))
	r.depth--
}

func (r *reader) mapping(b *block, t *shape.Type, v place, known bool) {
	r.depth++
	m, key, elem, name := r.gen.local(r.variable("m")), r.gen.local(r.variable("key")), r.gen.local(r.variable("elem")), r.gen.local(r.variable("name"))
	loop := &block{}
	parsed := func(call *jen.Statement) {
		loop.stmt().List(key, jen.Err()).Op(":=").Add(call)
		loop.stmt().If(jen.Err().Op("!=").Nil()).Block(r.gen.local("d").Dot("FailName").Call(jen.Err()))
	}
	index := jen.Add(key)
	if t.Key.Kind == shape.Time || t.Key.Kind == shape.Text {
		loop.stmt().Add(r.gen.local("d")).Dot("Unique").Call(name)
	}
	switch k := t.Key; k.Kind {
	case shape.String:
		loop.stmt().Add(key).Op(":=").Add(convertTo(r.gen.local("d").Dot("Name").Call(name), types.String, k.Go))
	case shape.Int:
		parsed(codec("IntName").Call(name, bits(k)))
		index = convertTo(key, types.Int64, k.Go)
	case shape.Uint:
		parsed(codec("UintName").Call(name, bits(k)))
		index = convertTo(key, types.Uint64, k.Go)
	case shape.UUID:
		parsed(codec("ParseUUID").Call(name))
	case shape.Time:
		parsed(codec("ParseTime").Call(name))
	default:
		loop.stmt().Var().Add(key).Add(typeCode(k.Go))
		loop.stmt().If(jen.Err().Op(":=").Add(key).Dot("UnmarshalText").Call(jen.Index().Byte().Call(name)), jen.Err().Op("!=").Nil()).
			Block(r.gen.local("d").Dot("FailName").Call(jen.Err()))
	}
	ok := r.gen.local(r.variable("known"))
	loop.stmt().If(jen.List(jen.Id("_"), ok).Op(":=").Add(m).Index(index), ok).Block(r.gen.local("d").Dot("Duplicate").Call())
	if x := r.expression(t.Elem); x != nil {
		loop.stmt().Add(m).Index(index).Op("=").Add(x)
	} else {
		loop.stmt().Var().Add(elem).Add(typeCode(t.Elem.Go))
		r.value(loop, t.Elem, at(elem))
		loop.stmt().Add(m).Index(index).Op("=").Add(elem)
	}
	c := &block{}
	c.stmt().Add(m).Op(":=").Add(typeCode(t.Go)).Values()
	c.stmt().Add(r.gen.members(r.variable("name"))).Block(loop.stmts...)
	c.stmt().Add(v.val).Op("=").Add(m)
	r.nullable(b, v, known, c)
	r.depth--
}

// bits is the size of an integer key, that of int on the machine at hand where it is one.
func bits(t *shape.Type) *jen.Statement {
	switch t.Go.Underlying().(*types.Basic).Kind() {
	case types.Int, types.Uint, types.Uintptr:
		return jen.Qual("strconv", "IntSize")
	}
	return jen.Lit(t.Bits)
}
