package docs

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

// What texts look like, as they are written.
const (
	integerPattern = `^(0|-?[1-9][0-9]*)$`
	naturalPattern = `^(0|[1-9][0-9]*)$`
	numberPattern  = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`
	quotedPattern  = `^"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"$`
	base64Pattern  = `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`
	uuidPattern    = `^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`
	timePattern    = `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
)

// Schema returns the JSON Schema of a version's payload: what the generated decoder accepts, in the form
// in which values are written. Members that it doesn't know are allowed, since readers skip them.
func Schema(v *catalog.Version, id string) []byte {
	s := newSchemas(v)
	var o object
	o.add("$schema", dialect)
	o.add("$comment", header)
	o.add("$id", id)
	o.add("title", v.String())
	o.addText("description", plain(v.Doc))
	o = append(o, s.object(v.Shape)...)
	if len(s.parts) > 0 {
		var defs object
		for _, t := range s.parts {
			defs.add(s.names[t], s.definition(t))
		}
		o.add("$defs", defs)
	}
	return document(o)
}

// schemas writes the schemas of one document.
type schemas struct {
	of    *catalog.Version
	root  *shape.Type
	parts []*shape.Type          // what is in $defs: structs, and types such as Tree []Tree that hold themselves
	names map[*shape.Type]string // of the parts
}

func newSchemas(v *catalog.Version) *schemas {
	root := v.Shape
	s := &schemas{of: v, root: root, names: map[*shape.Type]string{}}
	taken, done := map[string]bool{}, map[*shape.Type]bool{}
	part := func(t *shape.Type) {
		if t == root || s.names[t] != "" {
			return
		}
		name := defName(t.Name)
		for i := 2; taken[name]; i++ {
			name = defName(t.Name) + strconv.Itoa(i)
		}
		taken[name] = true
		s.names[t] = name
		s.parts = append(s.parts, t)
	}
	var walk func(t *shape.Type, within []*shape.Type)
	walk = func(t *shape.Type, within []*shape.Type) {
		if t != nil && slices.Contains(within, t) {
			part(t)
		}
		if t == nil || done[t] {
			return
		}
		done[t] = true
		if t.Kind == shape.Struct {
			part(t)
		}
		walk(t.Elem, append(within, t))
		for _, f := range t.Fields {
			walk(f.Type, nil) // a struct has a name of its own, at which a circle ends
		}
	}
	walk(root, nil)
	return s
}

// defName returns a Go type's name without what has a meaning in a reference.
func defName(name string) string {
	if name == "" {
		return "part"
	}
	return strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune("[]*,/~%#{};\"` ", r) {
			return '_'
		}
		return r
	}, name), "_")
}

// object returns the schema of a struct.
func (s *schemas) object(t *shape.Type) object {
	properties, required, renamed := object{}, []string{}, []object{}
	for _, f := range t.Fields {
		properties.add(f.Name, s.field(f))
		former := formerNames(t, f)
		for _, was := range former {
			properties.add(was, append(s.field(f), member{"deprecated", true}))
		}
		switch {
		case len(former) > 0:
			renamed = append(renamed, oneName(f, former))
		case f.Required():
			required = append(required, f.Name)
		}
	}
	o := object{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		o.add("required", required)
	}
	if len(renamed) > 0 {
		o.add("allOf", renamed)
	}
	o.add("additionalProperties", true)
	return o
}

// formerNames returns the names that a field is read by too: those that no other field has now.
func formerNames(t *shape.Type, f *shape.Field) []string {
	return slices.DeleteFunc(slices.Clone(f.Was), func(was string) bool {
		return slices.ContainsFunc(t.Fields, func(f *shape.Field) bool { return f.Name == was })
	})
}

// oneName asks for a field by one of its names. Two of them would be the field twice.
func oneName(f *shape.Field, former []string) object {
	var names []object
	for _, name := range append([]string{f.Name}, former...) {
		names = append(names, object{{"required", []string{name}}})
	}
	if !f.Required() {
		names = append(names, object{{"not", object{{"anyOf", slices.Clone(names)}}}})
	}
	return object{{"oneOf", names}}
}

// field returns the schema of a member. An optional one may be null, which is as if it were not there.
func (s *schemas) field(f *shape.Field) object {
	of := s.value(f.Type)
	if f.Quoted {
		of = quoted(f.Type)
	}
	if !f.Required() {
		of = orNull(of)
	}
	if values := examples(f.Type); len(values) > 0 && !f.Quoted {
		of.add("examples", values)
	}
	of.addText("description", plain(s.of.DocOf(f)))
	if f.Default != nil {
		of.add("default", defaultValue(f))
	}
	return of
}

// examples returns the values of an enumeration, which is open: readers take others too.
func examples(t *shape.Type) []any {
	for t.Kind == shape.Pointer {
		t = t.Elem
	}
	var values []any
	for _, v := range t.Enum {
		if t.Kind == shape.String {
			values = append(values, v)
		} else {
			values = append(values, json.RawMessage(v))
		}
	}
	return values
}

// value returns the schema of a value, or a reference to it.
func (s *schemas) value(t *shape.Type) object {
	switch {
	case t == s.root:
		return ref("#")
	case s.names[t] != "":
		return ref("#/$defs/" + s.names[t])
	}
	return s.definition(t)
}

// definition returns the schema of a value.
func (s *schemas) definition(t *shape.Type) object {
	switch t.Kind {
	case shape.Bool:
		return object{{"type", "boolean"}}
	case shape.Int:
		return object{{"type", "integer"}, {"minimum", int64(-1) << (t.Bits - 1)}, {"maximum", int64(math.MaxInt64) >> (64 - t.Bits)}}
	case shape.Uint:
		return object{{"type", "integer"}, {"minimum", 0}, {"maximum", uint64(math.MaxUint64) >> (64 - t.Bits)}}
	case shape.Float:
		if t.Bits == 32 {
			return object{{"type", "number"}, {"minimum", -math.MaxFloat32}, {"maximum", math.MaxFloat32}}
		}
		return object{{"type", "number"}}
	case shape.Number:
		return object{{"type", "number"}}
	case shape.Pointer:
		return orNull(s.value(t.Elem))
	case shape.Struct:
		return s.object(t)
	case shape.Slice:
		return object{{"type", []string{"array", "null"}}, {"items", s.value(t.Elem)}}
	case shape.Array:
		return object{{"type", "array"}, {"items", s.value(t.Elem)}, {"minItems", t.Len}, {"maxItems", t.Len}}
	case shape.Map:
		o := object{{"type", []string{"object", "null"}}}
		if names := keys(t.Key); names != nil {
			o.add("propertyNames", names)
		}
		o.add("additionalProperties", s.value(t.Elem))
		return o
	case shape.Raw:
		return object{{"$comment", "any value"}}
	case shape.Marshaler:
		return object{{"$comment", "as MarshalJSON of " + t.Name + " writes it"}}
	}
	return str(t)
}

// str returns the schema of what is stored as a string.
func str(t *shape.Type) object {
	o := object{{"type", "string"}}
	switch t.Kind {
	case shape.Bytes:
		return object{{"type", []string{"string", "null"}}, {"contentEncoding", "base64"}, {"pattern", base64Pattern}}
	case shape.Time:
		o.add("format", "date-time")
		o.add("pattern", timePattern)
	case shape.UUID:
		o.add("format", "uuid")
		o.add("pattern", uuidPattern)
	case shape.Text:
		o.add("$comment", "as MarshalText of "+t.Name+" writes it")
	}
	return o
}

// keys returns the schema of a map's names, nil if they are any strings.
func keys(t *shape.Type) object {
	switch t.Kind {
	case shape.Int:
		return object{{"pattern", integerPattern}}
	case shape.Uint:
		return object{{"pattern", naturalPattern}}
	case shape.Time, shape.UUID, shape.Text:
		return str(t)[1:] // a name is always a string
	}
	return nil
}

// quoted returns the schema of a value in a string, as the tag ",string" asks for.
func quoted(t *shape.Type) object {
	if t.Kind == shape.Pointer {
		return quoted(t.Elem)
	}
	switch t.Kind {
	case shape.Bool:
		return object{{"type", "string"}, {"enum", []string{"true", "false"}}}
	case shape.Int:
		return object{{"type", "string"}, {"pattern", integerPattern}}
	case shape.Uint:
		return object{{"type", "string"}, {"pattern", naturalPattern}}
	case shape.String:
		return object{{"type", "string"}, {"pattern", quotedPattern}}
	}
	return object{{"type", "string"}, {"pattern", numberPattern}}
}

// orNull returns a schema that also allows null.
func orNull(o object) object {
	switch {
	case len(o) == 0 || o[0].name == "$comment" || o[0].name == "anyOf":
		return o // any value, or with null already
	case o[0].name != "type":
		return object{{"anyOf", []object{o, {{"type", "null"}}}}}
	}
	if one, ok := o[0].value.(string); ok {
		with := append(object{{"type", []string{one, "null"}}}, o[1:]...)
		for i, m := range with {
			if values, ok := m.value.([]string); ok && m.name == "enum" {
				with[i].value = []any{values[0], values[1], nil}
			}
		}
		return with
	}
	return o
}

// defaultValue returns the value of a default.
func defaultValue(f *shape.Field) any {
	if f.Type.Kind == shape.String && !f.Quoted {
		return *f.Default
	}
	if f.Type.Kind == shape.String {
		return fmt.Sprintf("%q", *f.Default)
	}
	if f.Quoted {
		return *f.Default
	}
	if value := json.RawMessage(*f.Default); json.Valid(value) {
		return value
	}
	// Go's spelling is wider than JSON's: 007, +1, .5.
	n, err := strconv.ParseFloat(*f.Default, 64)
	if err != nil {
		return *f.Default
	}
	if f.Type.Kind != shape.Float {
		if n, err := strconv.ParseInt(*f.Default, 10, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseUint(*f.Default, 10, 64); err == nil {
			return n
		}
	}
	return n
}
