package codec

import (
	"bytes"
	"encoding/binary"
)

// Fields are the names of a struct's fields in the order in which they are encoded. Most texts have them in
// that order: then the name that should come next is compared by words, and need not be searched for.
type Fields struct{ list []field }

// field has its name as it is written, with quotes and colon: the first 16 bytes of that as
// two words, with masks for what is shorter, and the rest.
type field struct {
	low, lowMask   uint64
	high, highMask uint64
	rest           []byte
	length         int
	name           string
}

// NewFields returns the table of the fields that have the names.
func NewFields(names ...string) *Fields {
	f := &Fields{make([]field, len(names))}
	for i, name := range names {
		written := []byte(`"` + name + `":`)
		var text, mask [16]byte
		n := copy(text[:], written)
		for i := range n {
			mask[i] = 0xff
		}
		le := binary.LittleEndian
		f.list[i] = field{
			low: le.Uint64(text[:]), lowMask: le.Uint64(mask[:]),
			high: le.Uint64(text[8:]), highMask: le.Uint64(mask[8:]),
			rest: written[n:], length: len(written), name: name,
		}
	}
	return f
}

// index returns which field has the name, -1 if none has. It looks from a field on first.
func (f *Fields) index(name string, from int) int {
	for i := from; i < len(f.list); i++ {
		if f.list[i].name == name {
			return i
		}
	}
	for i := range f.list[:from] {
		if f.list[i].name == name {
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
	name, ok := d.Object()
	return d.find(fields, name, ok, 0)
}

// Field returns the index of the next field, behind the one that has just been read; -1 at the end of the object.
func (d *Decoder) Field(fields *Fields, last int) int {
	b, i, at := d.data, last+1, d.pos+1
	if i < len(fields.list) && at+16 <= len(b) && b[at-1] == ',' {
		f := &fields.list[i]
		low, high := binary.LittleEndian.Uint64(b[at:]), binary.LittleEndian.Uint64(b[at+8:])
		if (low^f.low)&f.lowMask|(high^f.high)&f.highMask == 0 && (len(f.rest) == 0 || bytes.HasPrefix(b[at+16:], f.rest)) {
			d.keyAt, d.pos = at, at+f.length
			return i
		}
	}
	if at <= len(b) && b[at-1] == '}' {
		d.close(true)
		return -1
	}
	name, ok := d.Next()
	return d.find(fields, name, ok, i)
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
