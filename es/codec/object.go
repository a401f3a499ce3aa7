package codec

import (
	"bytes"
	"math/bits"
	"unsafe"
)

// Object begins an object and returns the name of its first member; false if it has none. Use it as
//
//	for name, ok := d.Object(); ok; name, ok = d.Next() {
//
// and read or skip one value each turn. The name is valid until then; see [Decoder.Name].
func (d *Decoder) Object() (name string, ok bool) {
	if d.peek() != '{' {
		d.unexpected("an object")
		return "", false
	}
	if !d.enter() {
		return "", false
	}
	if d.peek() == '}' {
		d.pos++
		d.depth--
		return "", false
	}
	return d.name()
}

// Next returns the name of the next member; false at the end of the object.
func (d *Decoder) Next() (name string, ok bool) {
	if i := d.pos; i+1 < len(d.data) && d.data[i] == ',' && d.data[i+1] == '"' {
		d.pos = i + 1
		return d.name()
	}
	switch d.peek() {
	case ',':
		d.pos++
		d.peek()
		return d.name()
	case '}':
		d.close(true)
	default:
		d.unexpected("a comma or the object's end")
	}
	return "", false
}

// name reads a member's name and the colon.
func (d *Decoder) name() (string, bool) {
	b, start := d.data, d.pos+1
	d.keyAt = d.pos
	if start > len(b) || b[start-1] != '"' {
		d.unexpected("a name")
		return "", false
	}
	for i := start; i+8 <= len(b); i += 8 {
		m := special(word(b, i))
		if m == 0 {
			continue
		}
		end := i + bits.TrailingZeros64(m)>>3
		if b[end] == '"' && end+1 < len(b) && b[end+1] == ':' {
			d.pos = end + 2
			return view(b[start:end]), true
		}
		break
	}
	return d.nameSlow()
}

// nameSlow reads names with escapes, beyond ASCII, or with space before the colon.
func (d *Decoder) nameSlow() (string, bool) {
	b, ok := d.stringBytes("a name")
	if !ok {
		return "", false
	}
	if d.peek() != ':' {
		d.unexpected("a colon")
		return "", false
	}
	d.pos++
	return view(b), true
}

// Name returns a copy of the name that Object or Next returned, for a map's key.
func (d *Decoder) Name(name string) string {
	start := d.keyAt + 1
	if start+len(name) <= len(d.data) && unsafe.StringData(name) == unsafe.SliceData(d.data[start:]) {
		return d.own(start, start+len(name))
	}
	return name // has been unescaped into memory of its own
}

// Once marks a field as seen. It fails if that was done before.
func (d *Decoder) Once(seen, field uint64) uint64 {
	if seen&field != 0 {
		d.Duplicate()
	}
	return seen | field
}

// Duplicate fails with [ErrDuplicateName] at the name that was read last.
func (d *Decoder) Duplicate() { d.FailName(ErrDuplicateName) }

// Unique fails with [ErrDuplicateName] if the map had the name before. It is for keys
// that can differ although their names are the same.
func (d *Decoder) Unique(name string) {
	if d.err == nil && !d.names.add(d.depth, name) {
		d.Duplicate()
	}
}

// Missing fails with [ErrMissing] for the first field of required that is not in
// seen. names are those of required, from the lowest bit up.
func (d *Decoder) Missing(seen, required uint64, names ...string) {
	if d.err != nil {
		return
	}
	for _, name := range names {
		field := required & -required
		if seen&field == 0 {
			d.missing = name
			d.failAt(ErrMissing, max(d.pos-1, 0))
			return
		}
		required &^= field
	}
}

// unknown skips a member that no field has the name of. It fails if the object had one of
// the same name before.
func (d *Decoder) unknown(name string) {
	if d.err != nil {
		return
	}
	if !d.names.add(d.depth, name) {
		d.Duplicate()
		return
	}
	d.Skip()
}

// Array begins an array; false if it is empty. Use it as
//
//	for more := d.Array(); more; more = d.More() {
//
// and read or skip one value each turn.
func (d *Decoder) Array() bool {
	if at := d.pos; at+1 < len(d.data) && d.data[at] == '[' && d.data[at+1] > ' ' && d.data[at+1] != ']' && d.depth < MaxDepth {
		d.pos = at + 1
		d.depth++
		return true
	}
	return d.arraySlow()
}

func (d *Decoder) arraySlow() bool {
	if d.peek() != '[' {
		d.unexpected("an array")
		return false
	}
	if !d.enter() {
		return false
	}
	if d.peek() == ']' {
		d.pos++
		d.depth--
		return false
	}
	return true
}

// elements guesses how many elements the array has that is next, so that a slice of
// them need not grow. open is what they begin with: '{', or 0 for others.
func (d *Decoder) elements(open byte) int {
	if d.peek() != '[' {
		return 0
	}
	const most, window = 256, 8 << 10 // a wrong guess, and making one, must not cost much
	rest := d.data[d.pos+1:]
	rest = rest[:min(len(rest), window)]
	if len(rest) > 0 && rest[0] == ']' {
		return 0
	}
	if open == '{' {
		const near = 2 << 10 // looking further costs a long list more than a guess that counts what is behind it
		if end := arrayEnd(rest[:min(len(rest), near)]); end < near {
			rest = rest[:end]
		}
		return min(bytes.Count(rest, []byte{'{'}), most)
	}
	if end := bytes.IndexByte(rest, ']'); end >= 0 {
		rest = rest[:end]
	}
	return min(bytes.Count(rest, []byte{','})+1, most)
}

// arrayEnd returns where the array of objects ends that b is in, len(b) if it goes on: at a bracket behind a brace, when as many
// arrays have been closed as opened. Space between the two, a null at the end or brackets in strings mislead it.
func arrayEnd(b []byte) int {
	open, at := 1, 0
	for {
		next := bytes.Index(b[at:], []byte("}]"))
		if next < 0 {
			return len(b)
		}
		part := b[at : at+next]
		open += bytes.Count(part, []byte{'['}) - bytes.Count(part, []byte{']'})
		if open <= 1 {
			return at + next + 1
		}
		open--
		at += next + 2
	}
}

// More reports whether another value follows in the array.
func (d *Decoder) More() bool {
	if at := d.pos; at < len(d.data) && d.data[at] == ',' {
		d.pos = at + 1
		return true
	}
	return d.moreSlow()
}

func (d *Decoder) moreSlow() bool {
	switch d.peek() {
	case ',':
		d.pos++
		return true
	case ']':
		d.pos++
		d.depth--
	default:
		d.unexpected("a comma or the array's end")
	}
	return false
}

// Length fails with [ErrLength] if the array that was read had not the number of elements that its Go type has.
func (d *Decoder) Length(n, want int) {
	if n != want && d.err == nil {
		d.failAt(wrongf(ErrLength, "%d, want %d", n, want), d.pos-1)
	}
}
