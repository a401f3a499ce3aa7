package codec

import "strings"

// Fields are the names of a struct's fields in the order in which they are encoded, then other names that these have.
type Fields struct {
	names []string
	first string // the beginning of an object that begins with the first field
}

// NewFields returns the table of the fields that have the names.
func NewFields(names ...string) *Fields {
	f := &Fields{names: names}
	if len(names) > 0 {
		f.first = `{"` + names[0] + `":`
	}
	return f
}

// index returns which field has the name, -1 if none has. It looks from a field on first.
func (f *Fields) index(name string, from int) int {
	for i := from; i < len(f.names); i++ {
		if f.names[i] == name {
			return i
		}
	}
	for i := range f.names[:from] {
		if f.names[i] == name {
			return i
		}
	}
	return -1
}

// Struct begins an object and returns the index of the first field whose value is there; -1 if there is none. Use it as
//
//	for field := d.Struct(fields); field >= 0; field = d.Search(fields, field) {
//		if d.Field(field, 0, `,"name":`) {
//			v.Name = d.String()
//		}
//		if d.Field(field, 1, `,"age":`) {
//			v.Age = d.Int()
//		}
//	}
//
// so that fields in the order in which they are encoded are read in one turn. Members that no field has the name
// of are skipped.
func (d *Decoder) Struct(fields *Fields) int {
	if first := fields.first; d.depth < MaxDepth && d.follows(first) && first != "" {
		d.depth++
		d.keyAt = d.pos + 1
		d.pos += len(first)
		return 0
	}
	name, ok := d.Object()
	return d.find(fields, name, ok, 0)
}

func (d *Decoder) follows(text string) bool {
	return strings.HasPrefix(view(d.data[d.pos:]), text)
}

// Field reports whether the value of the field of index i is next: because it has been found, or because the comma,
// the name and the colon follow as they are encoded, which is text.
func (d *Decoder) Field(found, i int, text string) bool {
	if found < i && strings.HasPrefix(view(d.data[d.pos:]), text) {
		d.keyAt = d.pos + 1
		d.pos += len(text)
		return true
	}
	return found == i
}

// Search returns the index of the field whose value is next, of those that didn't come in order; -1 at the end of the
// object. last is the one that was found before.
func (d *Decoder) Search(fields *Fields, last int) int {
	if d.pos < len(d.data) && d.data[d.pos] == '}' {
		d.close(true)
		return -1
	}
	name, ok := d.Next()
	return d.find(fields, name, ok, last+1)
}

// find skips unknown members until there is a field. It expects that of index next.
func (d *Decoder) find(fields *Fields, name string, ok bool, next int) int {
	for ok {
		if i := fields.index(name, next); i >= 0 {
			return i
		}
		d.unknown(name)
		name, ok = d.Next()
	}
	return -1
}
