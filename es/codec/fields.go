package codec

import (
	"encoding/binary"
	"strings"
)

// Fields are the names of a struct's fields in the order in which they are encoded. Most texts have them in
// that order: then the name that should come next is compared by words, and need not be searched for.
type Fields struct {
	names   []string
	written []written
}

// written is a name with the comma, the quotes and the colon around it: the first 16 bytes of that as
// two words, with masks for what is shorter, and the rest.
type written struct {
	low, lowMask   uint64
	high, highMask uint64
	rest           string
	length         int
}

// NewFields returns the table of the fields that have the names.
func NewFields(names ...string) *Fields {
	f := &Fields{names, make([]written, len(names))}
	for i, name := range names {
		all := `,"` + name + `":`
		var text, mask [16]byte
		n := copy(text[:], all)
		for i := range n {
			mask[i] = 0xff
		}
		le := binary.LittleEndian
		f.written[i] = written{
			low: le.Uint64(text[:]), lowMask: le.Uint64(mask[:]),
			high: le.Uint64(text[8:]), highMask: le.Uint64(mask[8:]),
			rest: all[n:], length: len(all),
		}
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
//	for field := d.Struct(fields); field >= 0; field = d.Field(fields, field) {
//
// and read one value each turn. Members that no field has the name of are skipped.
func (d *Decoder) Struct(fields *Fields) int {
	// As in Field, but with the object's beginning in place of the comma.
	if at := d.pos; len(fields.written) > 0 && at+16 <= len(d.data) && d.depth < MaxDepth {
		w := &fields.written[0]
		low, high := word(d.data, at)^w.low^(','^'{'), word(d.data, at+8)^w.high
		if low&w.lowMask|high&w.highMask == 0 && (w.rest == "" || d.follows(at+16, w.rest)) {
			d.depth++
			d.keyAt, d.pos = at+1, at+w.length
			return 0
		}
	}
	name, ok := d.Object()
	return d.find(fields, name, ok, 0)
}

// Field returns the index of the next field, behind the one that has just been read; -1 at the end of the object.
func (d *Decoder) Field(fields *Fields, last int) int {
	i, at := last+1, d.pos
	if i < len(fields.written) && at+16 <= len(d.data) {
		w := &fields.written[i]
		low, high := word(d.data, at)^w.low, word(d.data, at+8)^w.high
		if low&w.lowMask|high&w.highMask == 0 && (w.rest == "" || d.follows(at+16, w.rest)) {
			d.keyAt, d.pos = at+1, at+w.length
			return i
		}
	}
	return d.search(fields, i)
}

func (d *Decoder) follows(at int, text string) bool {
	return strings.HasPrefix(view(d.data[at:]), text)
}

// search is Field for names that don't come in order.
func (d *Decoder) search(fields *Fields, next int) int {
	if d.pos < len(d.data) && d.data[d.pos] == '}' {
		d.close(true)
		return -1
	}
	name, ok := d.Next()
	return d.find(fields, name, ok, next)
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
