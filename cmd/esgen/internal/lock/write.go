package lock

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Encode returns the text of an event's file. The same event gives the same bytes.
func (e *Event) Encode() []byte {
	w := &writer{}
	w.open("{")
	w.member("format", Format)
	w.member("event", e.Name)
	w.member("category", e.Category)
	w.member("aggregate", e.Aggregate)
	w.name("versions")
	w.open("[")
	for _, v := range e.Versions {
		w.version(v)
	}
	w.close("]")
	w.close("}")
	w.WriteByte('\n')
	return w.Bytes()
}

// writer writes JSON with each member on a line of its own, but for what is small.
type writer struct {
	bytes.Buffer
	depth int
	names *namer
}

// line begins the line of the next value, after what came before it on its level.
func (w *writer) line() {
	if text := w.Bytes(); len(text) > 0 && !bytes.HasSuffix(text, []byte(": ")) {
		if last := text[len(text)-1]; last != '{' && last != '[' {
			w.WriteByte(',')
		}
		w.WriteByte('\n')
		w.WriteString(strings.Repeat("  ", w.depth))
	}
}

func (w *writer) open(bracket string) {
	w.line()
	w.WriteString(bracket)
	w.depth++
}

func (w *writer) close(bracket string) {
	w.depth--
	if last := w.Bytes()[w.Len()-1]; last != '{' && last != '[' {
		w.WriteString("\n" + strings.Repeat("  ", w.depth))
	}
	w.WriteString(bracket)
}

func (w *writer) name(name string) {
	w.line()
	w.WriteString(text(name) + ": ")
}

func (w *writer) member(name string, value any) {
	w.name(name)
	w.WriteString(text(value))
}

// text returns a value as JSON, on one line and without escapes that only HTML needs.
func text(value any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		panic(err) // strings, numbers and slices of strings can be written
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (w *writer) version(v *Version) {
	w.open("{")
	w.member("version", v.Schema)
	w.member("state", v.State)
	if v.Released {
		w.member("released", true)
	}
	if len(v.Allow) > 0 {
		w.name("allow")
		w.strings(v.Allow)
	}
	w.member("go", v.Go)
	if v.Upcast != nil {
		w.name("upcast")
		w.small("func", v.Upcast.Func, "to", v.Upcast.To)
	}
	w.names = newNamer()
	if v.Shape.Kind == shape.Struct {
		if within(v.Shape, v.Shape) {
			w.names.visit(v.Shape, v.Go)
			w.member("type", w.names.expr(v.Shape))
		} else {
			w.names.visitFields(v.Shape, v.Go)
			w.fields(v.Shape)
		}
	} else {
		w.names.visit(v.Shape, v.Go)
		w.member("type", w.names.expr(v.Shape))
	}
	w.types()
	w.close("}")
}

// small writes an object of strings on one line, without those that are empty.
func (w *writer) small(pairs ...string) {
	var members []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			members = append(members, text(pairs[i])+": "+text(pairs[i+1]))
		}
	}
	w.WriteString("{" + strings.Join(members, ", ") + "}")
}

// strings writes an array of strings on one line.
func (w *writer) strings(all []string) {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = text(s)
	}
	w.WriteString("[" + strings.Join(texts, ", ") + "]")
}

func (w *writer) fields(t *shape.Type) {
	w.list("fields", t.Fields)
	if len(t.Reserved) > 0 {
		w.list("reserved", t.Reserved)
	}
}

func (w *writer) list(name string, fields []*shape.Field) {
	w.name(name)
	w.open("[")
	for _, f := range sorted(fields) {
		w.line()
		w.field(f)
	}
	w.close("]")
}

func sorted(fields []*shape.Field) []*shape.Field {
	return slices.SortedStableFunc(slices.Values(fields), func(a, b *shape.Field) int { return strings.Compare(a.Name, b.Name) })
}

func (w *writer) field(f *shape.Field) {
	var path []string
	for _, s := range f.Steps {
		path = append(path, s.Name)
	}
	var optional []string
	for _, o := range []struct {
		name string
		is   bool
	}{{"embedded", f.Behind}, {"omitempty", f.OmitEmpty}, {"omitzero", f.OmitZero}} {
		if o.is {
			optional = append(optional, o.name)
		}
	}
	w.WriteString(`{"name": ` + text(f.Name))
	w.WriteString(`, "go": ` + text(strings.Join(append(path, f.Go), ".")))
	w.WriteString(`, "type": ` + text(w.names.expr(f.Type)))
	if len(optional) > 0 {
		w.WriteString(`, "optional": ` + text(strings.Join(optional, ",")))
	}
	if f.Quoted {
		w.WriteString(`, "quoted": true`)
	}
	if len(f.Was) > 0 {
		w.WriteString(`, "was": `)
		w.strings(f.Was)
	}
	if f.Default != nil {
		w.WriteString(`, "default": ` + text(*f.Default))
	}
	w.WriteString("}")
}

func (w *writer) types() {
	if len(w.names.order) == 0 {
		return
	}
	w.name("types")
	w.open("{")
	for _, t := range slices.SortedFunc(slices.Values(w.names.order), func(a, b *shape.Type) int {
		return strings.Compare(w.names.names[a], w.names.names[b])
	}) {
		w.name(w.names.names[t])
		switch t.Kind {
		case shape.Struct:
			w.open("{")
			w.fields(t)
			w.close("}")
		case shape.Marshaler:
			w.small("codec", "json", "of", t.Origin)
		case shape.Text:
			w.small("codec", "text", "of", t.Origin)
		default:
			w.WriteString(`{"type": ` + text(w.names.inner(t)))
			if len(t.Enum) > 0 {
				w.enum(t)
			}
			w.WriteString("}")
		}
	}
	w.close("}")
}

// enum writes the constants of a type with their names, or the values alone where nobody knows these.
func (w *writer) enum(t *shape.Type) {
	literal := func(value string) string {
		if t.Kind == shape.String {
			return text(value)
		}
		return value
	}
	var all []string
	for _, c := range t.Constants {
		all = append(all, text(c.Name)+": "+literal(c.Value))
	}
	if len(all) > 0 {
		w.WriteString(`, "enum": {` + strings.Join(all, ", ") + "}")
		return
	}
	for _, value := range t.Enum {
		all = append(all, literal(value))
	}
	w.WriteString(`, "enum": [` + strings.Join(all, ", ") + "]")
}
